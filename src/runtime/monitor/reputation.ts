import type { WorkerId } from '../protocol/ids.ts';
import type { JobRow, Reputation } from './grid-snapshot.ts';
import type { JobNews } from './job-news.ts';

/**
 * What news of a job say of a worker: whether it did the job. Neither its cancellation, nor a worker that gives it back
 * as it shuts down, nor an input that no worker could answer is held against anybody.
 * @returns undefined when they say nothing
 */
export function verdictOf(
  before: JobRow | undefined,
  after: JobRow,
  news: JobNews,
): { readonly worker: WorkerId; readonly isDone: boolean } | undefined {
  if (news.type === 'done') return after.worker && { worker: after.worker, isDone: true };
  const worker = before?.worker;
  if (worker === undefined) return undefined;
  const isBroken =
    (news.type === 'retrying' && news.end === 'failed') ||
    (news.type === 'failed' && news.error.code === 'job-failed') ||
    // Another goes on, and the one before has not said that it gave up.
    (news.type === 'leased' && before?.status === 'running' && after.worker !== worker);
  return isBroken ? { worker, isDone: false } : undefined;
}

/** The share of attempts that were done, 0 to 1; undefined before the first. */
export function reliability(reputation: Reputation | undefined): number | undefined {
  if (reputation === undefined) return undefined;
  const { done, broken } = reputation;
  return done / (done + broken);
}
