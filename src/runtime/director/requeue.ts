import { type RecordStore, readResult } from '../bus/record.ts';
import type { Ticket } from '../protocol/ids.ts';
import type { AcceptedRecord } from './accepted.ts';
import { readJob } from './job-reader.ts';
import { type Queued, queueJob } from './submit.ts';

export interface Requeued extends Queued {
  readonly priorAttempts: number;
}

/**
 * Queues a job again whose message is in the queue no more. Attempts are counted on, so that whoever still works on it
 * is overtaken. It waits with everybody's then, unless nobody but its account's own workers may do it. Two who do this at once send the same message id, so the job is queued once.
 * @param ticket the job's own: who was handed it before may still end it
 * @returns undefined when the job has ended
 */
export async function requeueJob(
  store: RecordStore,
  { job, lane, sequence, own }: AcceptedRecord,
  ticket: Ticket | undefined,
): Promise<Requeued | undefined> {
  // Its end may have come meanwhile.
  if (await readResult(store, job.account, job.id)) return undefined;
  const { attempts } = await readJob(store, job.account, job.id);
  const priorAttempts = Math.max(1, job.priorAttempts, ...attempts.map(({ attempt }) => attempt));
  const again = { ...job, priorAttempts };
  return {
    ...(await queueJob(store, again, lane, `${job.id}:${sequence}`, {
      ticket,
      own: own === 'only' ? own : undefined,
    })),
    priorAttempts,
  };
}
