import { formatCredits, type MicroCredits } from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';

/** What the rules of the ledger do not allow. */
export function refused(what: string): AipgError {
  return new AipgError('ledger-refused', what);
}

/** @param left what must be left */
export function insufficient(
  account: string,
  available: MicroCredits,
  needed: MicroCredits,
  left: MicroCredits,
): AipgError {
  const least = left > 0 ? `, and ${formatCredits(left)} must be left` : '';
  return new AipgError(
    'insufficient-credits',
    `${account} has ${formatCredits(available)} credits; this takes ${formatCredits(needed)}${least}.`,
    {
      hint: 'Earn some with `aipg worker`, ask for a transfer or less output, or ask the operator for more.',
    },
  );
}
