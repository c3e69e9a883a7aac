import { setTimeout as delay } from 'node:timers/promises';
import type { RecordStore } from '../bus/record.ts';
import { ticketOf } from '../bus/ticket.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account, JobId, Ticket, WorkerId } from '../protocol/ids.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';
import type { RecentTickets } from './recent-tickets.ts';

/** A replica may not have a job yet that its worker has: this often, after so many milliseconds, it is asked again. */
const MAX_TRIES = 4;
const RETRY_MS = 100;

/** Where tickets are known from. */
export interface TicketStore extends RecordStore {
  readonly tickets: RecentTickets;
}

/** What a worker shows to speak for a job. */
export interface Shown {
  readonly account: Account;
  readonly job: JobId;
  readonly ticket: Ticket;
  /** In the queue's stream. */
  readonly sequence: number;
}

/**
 * Whether a job was handed out to who shows this. Who submitted it knows its id, account and leases, as its events tell
 * them, but not its ticket: that is with the accepted job and in the queue alone.
 */
export async function wasHandedOut({ manager, tickets }: TicketStore, shown: Shown): Promise<boolean> {
  const { account, job, ticket, sequence } = shown;
  if (tickets.has(account, job, ticket)) return true;
  for (let tries = 1; ; tries++) {
    const accepted = await manager.direct.getMessage(STREAMS.accepted, {
      last_by_subj: subjects.accepted(account, job),
    });
    if (accepted && ticketOf({ headers: accepted.header }) === ticket) return true;
    // A job whose director is about to write it down, or was killed before it did, is in the queue.
    const queued = await manager.direct.getMessage(STREAMS.jobs, { seq: sequence });
    if (queued && ticketOf({ headers: queued.header }) === ticket) {
      const [of] = queued.header.get('Nats-Msg-Id').split(':');
      return of === job && queued.subject.endsWith(`.${account}`);
    }
    if (accepted || tries === MAX_TRIES) return false;
    await delay(RETRY_MS);
  }
}

/** @throws AipgError `job-refused` for what a worker says in another's name */
export function requireOwnName(worker: WorkerId, named: WorkerId | undefined): void {
  if (named !== worker)
    throw new AipgError('job-refused', `${worker} may not speak for ${named ?? 'nobody'}.`);
}

export function notHandedOut(): AipgError {
  return new AipgError('job-refused', 'That job was not handed out to this worker.', {
    hint: 'It may have ended, or gone to another worker.',
  });
}
