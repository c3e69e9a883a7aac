import { faultPoint } from '../bus/fault-point.ts';
import { type RecordStore, readResult } from '../bus/record.ts';
import { newTicket, type Ticket } from '../protocol/ids.ts';
import type { AcceptedRecord } from './accepted.ts';
import { readJob } from './job-reader.ts';
import { type Queued, queueJob, writeAccepted } from './queue-job.ts';

export interface Requeued extends Queued {
  readonly priorAttempts: number;
}

/**
 * Queues a job again whose message is in the queue no more: with everybody's, unless nobody but its account's own
 * workers may do it. Attempts are counted on, so that whoever still works on it is overtaken. Two who do this at once
 * send the same message id, so the job is queued once.
 * @param ticket the job's own, if it is known: who was handed it before may still end it
 * @returns undefined when the job has ended
 */
export async function requeueJob(
  store: RecordStore,
  { job, lane, sequence, own }: AcceptedRecord,
  ticket: Ticket = newTicket(),
): Promise<Requeued | undefined> {
  // Its end may have come meanwhile.
  if (await readResult(store, job.account, job.id)) return undefined;
  const { attempts } = await readJob(store, job.account, job.id);
  const priorAttempts = Math.max(1, job.priorAttempts, ...attempts.map(({ attempt }) => attempt));
  const again = { ...job, priorAttempts };
  const messageId = `${job.id}:${sequence}`;
  const only = own === 'only' ? own : undefined;
  const queued = await queueJob(store, again, lane, messageId, { ticket, own: only });
  faultPoint('after-queue');
  const accepted = { sequence: queued.sequence, lane, job: again, ...(only && { own: only }) };
  await writeAccepted(store, accepted, messageId, ticket);
  return { ...queued, priorAttempts };
}
