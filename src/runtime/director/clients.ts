import type { NatsConnection } from '@nats-io/transport-node';
import type { Account, ClientId } from '../protocol/ids.ts';
import { subjects } from '../protocol/subjects.ts';
import { isThere } from './presence.ts';

/** An answer is good for this long, in milliseconds. */
const FRESH_MS = 5_000;
/** Most clients remembered. */
const MAX_CLIENTS = 10_000;

interface Seen {
  readonly askedAt: number;
  /** Since when nobody has answered, in milliseconds since 1970. */
  readonly goneSince: number | undefined;
}

/** Whether the processes that wait for answers are still there. */
export class Clients {
  readonly #connection: NatsConnection;
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();

  constructor(connection: NatsConnection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  /** How long the client has been gone, in milliseconds, as far as this director knows; 0 while it is there. */
  async goneForMs(account: Account, client: ClientId): Promise<number> {
    const subject = subjects.client(account, client);
    const last = this.#seen.get(subject);
    if (last === undefined || this.#now() - last.askedAt >= FRESH_MS) await this.#ask(subject, last);
    const goneSince = this.#seen.get(subject)?.goneSince;
    return goneSince === undefined ? 0 : this.#now() - goneSince;
  }

  async #ask(subject: string, last: Seen | undefined): Promise<void> {
    const askedAt = this.#now();
    const answers = await isThere(this.#connection, subject);
    if (this.#seen.size >= MAX_CLIENTS) this.#seen.clear();
    this.#seen.set(subject, { askedAt, goneSince: answers ? undefined : (last?.goneSince ?? askedAt) });
  }
}
