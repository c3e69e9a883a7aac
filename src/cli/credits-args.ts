import { Args, Flags } from '@oclif/core';
import { parseCredits } from '../runtime/protocol/credits.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { type Account, accountSchema, teamSchema } from '../runtime/protocol/ids.ts';

export const movementArgs = {
  account: Args.string({ required: true, ignoreStdin: true, description: 'Who gets them.' }),
  amount: Args.string({ required: true, ignoreStdin: true, description: 'Credits, such as 12 or 0.25.' }),
};

export const memoFlag = Flags.string({
  description: 'What it is for: stays in the ledger for ever, for its operator to read.',
  helpValue: 'TEXT',
});

/** @throws AipgError `usage` */
export function parseAccount(text: string): Account {
  const account = accountSchema.safeParse(text);
  if (account.success) return account.data;
  throw new AipgError('usage', `${JSON.stringify(text)} is no account.`, {
    hint: '`aipg balance` tells your own; an operator sees all with `aipg grid keys`.',
  });
}

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
