import type { Grid } from '../runtime/grids/grid.ts';
import { type OpenGridOptions, type OpenProgress, openGrid } from '../runtime/grids/open.ts';
import { StatusLine } from './terminal.ts';

/** Before loading is worth a word, in milliseconds. */
const QUIET_MS = 300;

/** Opens a grid; where that takes long, stderr tells how far it is. */
export async function openWithProgress(options: Omit<OpenGridOptions, 'onProgress'>): Promise<Grid> {
  using progress = progressReporter();
  return await openGrid({ ...options, onProgress: progress.report });
}

/** Draws progress on a terminal. */
export function progressReporter(): { report: (progress: OpenProgress) => void } & Disposable {
  const line = new StatusLine();
  const startedAt = performance.now();
  const report = ({ fraction }: OpenProgress) => {
    if (performance.now() - startedAt > QUIET_MS) line.show(`Loading the model … ${percent(fraction)}`);
  };
  return { report, [Symbol.dispose]: () => line.clear() };
}

function percent(fraction: number): string {
  return `${Math.floor(100 * Math.min(1, fraction || 0))} %`;
}
