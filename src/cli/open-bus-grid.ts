import process from 'node:process';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';
import type { Grid } from '../runtime/grids/grid.ts';
import { openGrid } from '../runtime/grids/open.ts';

/** Opens a grid that keeps jobs: one behind a bus. @throws AipgError `grid-unreachable` where there is none */
export async function openBusGrid(asked: string | undefined, signal?: AbortSignal): Promise<Grid> {
  const paths = resolvePaths();
  const choice = selectBus({ paths, asked });
  return openGrid({ choice, paths, env: process.env, ...(signal && { signal }) });
}
