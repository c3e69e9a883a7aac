import type { Hook } from '@oclif/core';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

/** oclif's hook for a command that is not there: suggests the ones that may have been meant. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const words = id.split(':');
  const known = config.commandIDs.map((command) => command.replaceAll(':', ' '));
  const [first = '', second] = words;
  if (known.includes(first)) {
    throw new AipgError('usage', `Unexpected argument: ${second}.`, {
      hint: `See ${config.bin} ${first} --help.`,
    });
  }
  const topic = known.some((command) => command.startsWith(`${first} `));
  const asked = topic && second !== undefined ? `${first} ${second}` : first;
  throw new AipgError('usage', `There is no command named ${asked}.`, {
    hint: didYouMean(nearest(asked, known)) ?? `See ${config.bin} --help.`,
  });
};

export default commandNotFound;
