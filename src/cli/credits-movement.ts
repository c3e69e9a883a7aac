import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';
import type { GridCredits, Moved, Movement } from '../runtime/grids/credits.ts';
import { parseAmount } from './credits-args.ts';

export interface MovementWords {
  readonly args: { readonly account: string; readonly amount: string };
  readonly flags: {
    readonly grid?: string | undefined;
    readonly memo?: string | undefined;
    readonly new: boolean;
  };
}

/** What was moved, to whom, and what came of it. */
export interface Told {
  readonly grid: string;
  readonly to: Movement;
  /** As it was written, with the id where that was a name. */
  readonly who: string;
  readonly moved: Moved;
}

/**
 * Gives credits to an account as it was written on the command line, by name or by id.
 * @throws AipgError `usage`, `ledger-refused`, `insufficient-credits`, `grid-unreachable`, `not-permitted`
 */
export async function moveCredits(
  { args, flags }: MovementWords,
  move: (credits: GridCredits, movement: Movement) => Promise<Moved>,
): Promise<Told> {
  const amount = parseAmount(args.amount);
  const paths = resolvePaths();
  const choice = selectBus({ paths, asked: flags.grid });
  const { demandId, findAccount } = await import('../runtime/identity/find-account.ts');
  const found = await findAccount(paths, choice, args.account);
  if (flags.new) demandId(found, choice);
  const { id: account, isKnown, name } = found;
  const to = { account, amount, memo: flags.memo, mayBeNew: flags.new || isKnown };
  const { GridCredits } = await import('../runtime/grids/credits.ts');
  await using credits = await GridCredits.open(choice);
  const moved = await move(credits, to);
  return { grid: credits.name, to, who: name === undefined ? account : `${name} (${account})`, moved };
}
