import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';
import type { GridCredits } from '../runtime/grids/credits.ts';

/** The credits of the account that this machine has on a grid. @throws AipgError `grid-unreachable`, `not-permitted` */
export async function openCredits(asked: string | undefined): Promise<GridCredits> {
  const choice = selectBus({ paths: resolvePaths(), asked });
  const { GridCredits } = await import('../runtime/grids/credits.ts');
  return GridCredits.open(choice);
}
