import { encodeLarge } from '../bus/artifacts.ts';
import type { RecordStore } from '../bus/record.ts';
import { withTicket } from '../bus/ticket.ts';
import { encode } from '../protocol/codec.ts';
import type { Ticket } from '../protocol/ids.ts';
import type { Job, Lane } from '../protocol/job.ts';
import { ownSubjects } from '../protocol/own-lane.ts';
import { subjects } from '../protocol/subjects.ts';
import type { AcceptedRecord, OwnWait } from './accepted.ts';

export interface QueueOptions {
  readonly ticket: Ticket;
  /** It waits for its account's own workers, and in its lane only after that, if at all. */
  readonly own?: OwnWait | undefined;
}

export interface Queued {
  /** In the queue's stream. */
  readonly sequence: number;
  /** The bus had it already. */
  readonly isDuplicate: boolean;
}

/**
 * Puts a job into the queue and tells of it. It is looked after once it is written down as accepted, too.
 * @param messageId what makes a repetition known as one
 */
export async function queueJob(
  { connection, jetstream }: RecordStore,
  job: Job,
  lane: Lane,
  messageId: string,
  { ticket, own }: QueueOptions,
): Promise<Queued> {
  const { account, id, kind, tier, model } = job;
  const payload = await encodeLarge(connection, job, { account, job: id });
  const place = own
    ? ownSubjects.job(kind, tier, model, account)
    : subjects.job(kind, tier, lane, model, account);
  const headers = withTicket(ticket);
  const queued = jetstream.publish(place, payload, { msgID: messageId, headers });
  // Sent right behind the job on the same connection, so that it comes before anything that a worker says.
  if (job.priorAttempts === 0) {
    connection.publish(subjects.event(account, id), encode({ type: 'accepted', model }));
  }
  const { seq: sequence, duplicate: isDuplicate } = await queued;
  return { sequence, isDuplicate };
}

/** Writes down that a job was accepted. @param messageId as it was queued under */
export async function writeAccepted(
  { connection, jetstream }: RecordStore,
  accepted: AcceptedRecord,
  messageId: string,
  ticket: Ticket,
): Promise<void> {
  const { account, id } = accepted.job;
  const payload = await encodeLarge(connection, accepted, { account, job: id });
  const headers = withTicket(ticket);
  await jetstream.publish(subjects.accepted(account, id), payload, { msgID: messageId, headers });
}
