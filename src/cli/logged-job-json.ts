import type { LoggedJob } from '../runtime/history/logged-job.ts';

/** The documented object of `aipg logs --json`: that of `gen --json`, and what the log knows besides. */
export function loggedJobJson({ input, createdAt, ...job }: LoggedJob) {
  return { ...job, ...input, createdAt: new Date(createdAt).toISOString() };
}
