import { Args, Flags } from '@oclif/core';
import { parseCredits } from '../runtime/protocol/credits.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { teamSchema } from '../runtime/protocol/ids.ts';
import { gridFlag } from './flags.ts';

export const movementArgs = {
  account: Args.string({
    required: true,
    ignoreStdin: true,
    description: 'Who gets them: an id, or a name that this machine knows.',
  }),
  amount: Args.string({ required: true, ignoreStdin: true, description: 'Credits, such as 12 or 0.25.' }),
};

export const movementFlags = {
  grid: gridFlag,
  memo: Flags.string({
    description: 'What it is for: stays in the ledger for ever, for its operator to read.',
    helpValue: 'TEXT',
  }),
  new: Flags.boolean({ description: 'The account has not been on this grid yet.' }),
};

/** More than nothing. @throws AipgError `usage` */
export function parseAmount(text: string) {
  const amount = parseCredits(text);
  if (amount > 0) return amount;
  throw new AipgError('usage', 'The amount must be more than 0.');
}

/** @throws AipgError `usage` */
export function parseTeam(text: string) {
  const team = teamSchema.safeParse(text);
  if (team.success) return team.data;
  throw new AipgError('usage', `${JSON.stringify(text)} is no name of a team.`, {
    hint: 'Write it with letters, digits, "-" and "_".',
  });
}
