import type { Account, JobId, Ticket } from '../protocol/ids.ts';

/** Most tickets kept; one that is not here is looked up on the bus. */
const MAX_TICKETS = 4_096;

/** The tickets of the jobs that a director has queued lately, to know them without asking the bus. */
export class RecentTickets {
  readonly #tickets = new Map<JobId, { readonly account: Account; readonly ticket: Ticket }>();

  add(account: Account, job: JobId, ticket: Ticket): void {
    for (const [oldest] of this.#tickets) {
      if (this.#tickets.size < MAX_TICKETS) break;
      this.#tickets.delete(oldest);
    }
    this.#tickets.set(job, { account, ticket });
  }

  /** False says nothing: another director may have queued it. */
  has(account: Account, job: JobId, ticket: Ticket): boolean {
    const known = this.#tickets.get(job);
    return known?.account === account && known.ticket === ticket;
  }
}
