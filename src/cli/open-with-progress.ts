import process from 'node:process';
import type { Grid } from '../runtime/grids/grid.ts';
import { type OpenGridOptions, type OpenProgress, openGrid } from '../runtime/grids/open.ts';
import { formatBytes, StatusLine } from './terminal.ts';

/** Before loading is worth a word, in milliseconds. */
const QUIET_MS = 300;

/** Opens a grid; where that takes long, stderr tells how far it is. */
export async function openWithProgress(options: Omit<OpenGridOptions, 'onProgress'>): Promise<Grid> {
  using progress = progressReporter();
  return await openGrid({ ...options, onProgress: progress.report });
}

/** Draws progress on a terminal; elsewhere a line per download says that it started. */
export function progressReporter(): { report: (progress: OpenProgress) => void } & Disposable {
  const line = new StatusLine();
  const startedAt = performance.now();
  const announced = new Set<string>();
  const report = (progress: OpenProgress) => {
    if (progress.step === 'load') {
      if (performance.now() - startedAt > QUIET_MS)
        line.show(`Loading the model … ${percent(progress.fraction)}`);
      return;
    }
    const { file, receivedBytes, totalBytes } = progress;
    line.show(`Downloading ${file} … ${percent(receivedBytes / totalBytes)} of ${formatBytes(totalBytes)}`);
    if (!process.stderr.isTTY && !announced.has(file)) {
      process.stderr.write(`Downloading ${file} (${formatBytes(totalBytes)})\n`);
    }
    announced.add(file);
  };
  return { report, [Symbol.dispose]: () => line.clear() };
}

function percent(fraction: number): string {
  return `${Math.floor(100 * Math.min(1, fraction || 0))} %`;
}
