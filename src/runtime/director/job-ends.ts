import { endJob, type RecordStore } from '../bus/record.ts';
import { encode } from '../protocol/codec.ts';
import type { ControlJob } from '../protocol/control.ts';
import type { AttemptRecord } from '../protocol/events.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { finalEvent, type Result } from '../protocol/result.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';
import type { AcceptedRecord } from './accepted.ts';
import { readJob } from './job-reader.ts';

/** How a job ends that is not done. */
export type NotDone = Exclude<Result, { status: 'done' }>;

/**
 * Ends a job that somebody may be at work on, and takes it out of the queue; one that has ended keeps its end.
 * @returns whether this ended it
 */
export async function endQueued(
  store: RecordStore,
  { job: { account, id: job }, sequence }: Pick<AcceptedRecord, 'job' | 'sequence'>,
  result: NotDone,
): Promise<boolean> {
  const isEnded = await endJob(store, account, job, result);
  if (isEnded) await tellEnd(store, account, job, result);
  const reason = result.status === 'cancelled' ? result.reason : result.error.message;
  await takeAway(store, account, { type: 'cancel', job, reason }, sequence);
  return isEnded;
}

/** Tells the readers of a job how it has ended: before its worker, so that what that publishes then comes behind it. */
export async function tellEnd(
  { connection }: RecordStore,
  account: Account,
  job: JobId,
  result: Result,
): Promise<void> {
  connection.publish(subjects.event(account, job), encode(finalEvent(result, 0)));
  await connection.flush();
}

/** Takes a job that has ended out of the queue and tells whoever works on it. */
export async function takeAway(
  store: RecordStore,
  account: Account,
  control: ControlJob,
  sequence: number,
): Promise<void> {
  await store.manager.streams.deleteMessage(STREAMS.jobs, sequence).catch(() => undefined);
  // From here on nobody can lease it any more.
  const { attempts } = await readJob(store, account, control.job);
  tellWorkers(store, attempts, control);
}

/** Tells those who have worked on a job, or do. */
export function tellWorkers(
  { connection }: RecordStore,
  attempts: readonly AttemptRecord[],
  control: ControlJob,
): void {
  for (const worker of new Set(attempts.map((attempt) => attempt.worker))) {
    connection.publish(subjects.controlWorker(worker), encode(control));
  }
}
