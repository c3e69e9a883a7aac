import { setTimeout as delay } from 'node:timers/promises';
import type { Paths } from '../../runtime/config/paths.ts';
import type { JobSummary } from '../../runtime/protocol/replies.ts';
import type { Candidate } from './candidates.ts';

/** A grid that takes longer has no jobs to offer, in milliseconds. */
const PATIENCE_MS = 1_000;
/** How far back jobs that have ended are offered, in milliseconds. */
const SINCE_MS = 60 * 60 * 1_000;
const MOST = 100;

/**
 * The jobs of the grid that runs on this machine, the newest first; no other grid is asked.
 * @param which Default: all.
 */
export async function jobs(
  { paths, env }: { readonly paths: Paths; readonly env: NodeJS.ProcessEnv },
  which: (job: JobSummary) => boolean = () => true,
): Promise<Candidate[]> {
  const [{ readRunningGrid }, { runningHere }, { openGrid }] = await Promise.all([
    import('../../runtime/config/running-grid.ts'),
    import('../../runtime/config/select-grid.ts'),
    import('../../runtime/grids/open.ts'),
  ]);
  const running = readRunningGrid(paths);
  if (!running) return [];
  const listed = (async () => {
    await using grid = await openGrid({ choice: runningHere(paths, running), paths, env });
    return await grid.jobs({ since: Date.now() - SINCE_MS, limit: MOST });
  })();
  listed.catch(() => undefined);
  const found = await Promise.race([listed, delay(PATIENCE_MS, [], { ref: false })]);
  return found
    .filter(which)
    .toReversed()
    .map(({ job, status, model }) => ({ value: job, description: [status, model].join(' ').trim() }));
}

export function isUnfinished({ status }: JobSummary): boolean {
  return status === 'waiting' || status === 'running';
}
