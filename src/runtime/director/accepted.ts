import { z } from 'zod';
import { decodeLarge } from '../bus/artifacts.ts';
import type { RecordStore } from '../bus/record.ts';
import { ticketOf } from '../bus/ticket.ts';
import type { Account, JobId, Ticket } from '../protocol/ids.ts';
import { jobSchema, laneSchema } from '../protocol/job.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';

const ownWaitSchema = z.enum(['first', 'only']);
/** Whether a job waits for its account's own workers before it waits for others', or for nobody else. */
export type OwnWait = z.infer<typeof ownWaitSchema>;

/** What a director keeps of a job that it has accepted, until the job has ended and, where credits are on, is settled. */
export const acceptedRecordSchema = z.object({
  /** Of the job's message in the queue's stream. */
  sequence: z.number().int().min(1),
  /** Where it waits; of one that waits for its account's own workers: where it waits after that. */
  lane: laneSchema,
  /** It waits for its account's own workers, or has: before it waits for others', or for these alone. */
  own: ownWaitSchema.optional(),
  job: jobSchema,
});
export type AcceptedRecord = z.infer<typeof acceptedRecordSchema>;

/** With what shows that the job was handed to a worker. */
export interface Accepted {
  readonly record: AcceptedRecord;
  readonly ticket: Ticket | undefined;
}

/** `undefined` once the job is settled and let go. */
export async function readAcceptedWithTicket(
  { connection, manager }: RecordStore,
  account: Account,
  job: JobId,
): Promise<Accepted | undefined> {
  const stored = await manager.direct.getMessage(STREAMS.accepted, {
    last_by_subj: subjects.accepted(account, job),
  });
  const record = stored && (await decodeLarge(connection, acceptedRecordSchema, stored.data));
  return record?.ok ? { record: record.value, ticket: ticketOf({ headers: stored?.header }) } : undefined;
}

export async function readAccepted(
  store: RecordStore,
  account: Account,
  job: JobId,
): Promise<AcceptedRecord | undefined> {
  return (await readAcceptedWithTicket(store, account, job))?.record;
}
