/**
 * How long a job waits for its account's own workers before it may go to others that are free, in milliseconds: about
 * what somebody who has a worker waits rather than pays for, and longer than a short answer of a full worker takes.
 */
export const OWN_WAIT_MS = 10_000;
/** And before it waits with everybody's although others are not free, in milliseconds. */
export const MAX_OWN_WAIT_MS = 60_000;

export interface OwnQueueState {
  /** Whether any of the account's own workers takes its jobs now. */
  readonly isServed: boolean;
  /** Slots of others' workers of the model that are free; `undefined` where there are no others. */
  readonly freeElsewhere: number | undefined;
  /** How long each job has waited, the longest first, in milliseconds. */
  readonly waited: readonly number[];
}

/**
 * How many of an account's jobs that wait for its own workers are to go to the queue of all: those that have waited the
 * longest. All of them once nobody of its own takes any. Else none while nobody but its own could do them: in the queue
 * of all they would wait for the same workers behind everybody's jobs.
 */
export function jobsToMove({ isServed, freeElsewhere, waited }: OwnQueueState): number {
  if (!isServed) return waited.length;
  if (freeElsewhere === undefined) return 0;
  const longerThan = (ms: number) => waited.filter((waitedMs) => waitedMs >= ms).length;
  return Math.max(longerThan(MAX_OWN_WAIT_MS), Math.min(freeElsewhere, longerThan(OWN_WAIT_MS)));
}
