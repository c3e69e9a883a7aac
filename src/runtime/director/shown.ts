import { setTimeout as delay } from 'node:timers/promises';
import { readMessages } from '../bus/read-messages.ts';
import type { RecordStore } from '../bus/record.ts';
import { decode } from '../protocol/codec.ts';
import {
  type ChunkEvent,
  isFinal,
  type JobEvent,
  jobEventSchema,
  type SealedEvent,
} from '../protocol/events.ts';
import type { Account, JobId, Ticket, WorkerId } from '../protocol/ids.ts';
import { leaseProof } from '../protocol/lease-proof.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';

/** How often, and after how many milliseconds each time, the event that tells of the end is looked for again. */
const MAX_TRIES = 20;
const RETRY_MS = 10;
/** The clocks of a cluster's servers differ by less, and an end is told of sooner, in milliseconds. */
const SPREAD_MS = 1_000;

/** What the readers of a job's events were shown before it ended. */
export interface Shown {
  readonly chunks: readonly ChunkEvent[];
  /** Of a sealed job, in place of chunks. */
  readonly sealed: readonly SealedEvent[];
  /** Who was handed it and leased it first; a later worker has claimed it before it shows anything. */
  readonly firstWorker: WorkerId | undefined;
}

/**
 * Reads the events of a job up to its end, which is where its readers stop: what a worker publishes behind that was
 * delivered to nobody.
 * @param ticket the job's, without which nobody can show that it was handed the job
 * @param endedAt when its final record was written, in milliseconds since 1970: before anybody tells of it
 */
export async function readShown(
  { connection }: Pick<RecordStore, 'connection'>,
  account: Account,
  job: JobId,
  endedAt: number,
  ticket: Ticket | undefined,
): Promise<Shown> {
  const shown = new ShownSoFar(ticket);
  const subject = subjects.event(account, job);
  let after = 0;
  for (let tries = 0; ; tries++) {
    const events = readMessages(connection, STREAMS.events, { subject, after });
    for await (const { data, at, sequence } of events) {
      after = sequence;
      if (at > endedAt + SPREAD_MS) return shown;
      const event = decode(jobEventSchema, data);
      if (!event.ok) continue;
      // What tells of an end that has not come is a lie, and others read on.
      if (isFinal(event.value) && at >= endedAt - SPREAD_MS) return shown;
      shown.add(event.value);
    }
    // What was published before it ended may still be on its way into the stream.
    if (tries === MAX_TRIES) return shown;
    await delay(RETRY_MS);
  }
}

/** Who was handed a job and leased it first; `undefined` where that is not known, or not any more. */
export async function readFirstWorker(
  { connection }: Pick<RecordStore, 'connection'>,
  account: Account,
  job: JobId,
  ticket: Ticket,
): Promise<WorkerId | undefined> {
  const subject = subjects.event(account, job);
  for await (const { data } of readMessages(connection, STREAMS.events, { subject })) {
    const event = decode(jobEventSchema, data);
    if (event.ok && isLease(event.value, ticket)) return event.value.worker;
  }
  return undefined;
}

/** Whoever knows the job's id can say that it has leased it: only who was handed it can show that. */
function isLease(
  event: JobEvent,
  ticket: Ticket | undefined,
): event is Extract<JobEvent, { type: 'leased' }> {
  return event.type === 'leased' && ticket !== undefined && event.proof === leaseProof(ticket, event.worker);
}

class ShownSoFar implements Shown {
  readonly chunks: ChunkEvent[] = [];
  readonly sealed: SealedEvent[] = [];
  firstWorker: WorkerId | undefined;
  readonly #ticket: Ticket | undefined;

  constructor(ticket: Ticket | undefined) {
    this.#ticket = ticket;
  }

  add(event: JobEvent): void {
    if (isLease(event, this.#ticket)) this.firstWorker ??= event.worker;
    else if (event.type === 'chunk') this.chunks.push(event);
    else if (event.type === 'sealed') this.sealed.push(event);
  }
}
