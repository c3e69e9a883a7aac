import { Flags } from '@oclif/core';

/** Flags of what works with the keys of a grid. */
export const authorityFlags = {
  of: Flags.string({
    description: 'The grid, where this machine has the keys of several.',
    helpValue: 'GRID',
  }),
};
