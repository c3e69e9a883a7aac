import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { STREAMS } from '../protocol/subjects.ts';
import { Lease } from './lease.ts';

const NANOS_PER_MS = 1_000_000;
/** How long one request for a job waits at the bus before it is made again, in milliseconds. */
const EXPIRES_MS = 30_000;
/** With no word from the bus for this long, whatever was asked of it is lost. */
const SILENCE_MS = EXPIRES_MS + 5_000;
/** Before the bus is asked again after it could not serve a request, in milliseconds. */
const RETRY_MS = 500;

/** The bus ended a request because no job came in its time. */
const NO_JOB_CODES: ReadonlySet<number> = new Set([404, 408]);

type Take = (lease: Lease | undefined) => void;

/**
 * Hands out jobs of one queue, one for each call of {@link next} and none ahead of it, by JetStream's pull protocol
 * (ADR-13 of NATS). All calls share one subscription: the client library's own `fetch` makes and ends one for each
 * job, which is a good part of what a short job costs.
 */
export class JobQueue implements Disposable {
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #inbox = createInbox();
  readonly #request = JSON.stringify({ batch: 1, expires: EXPIRES_MS * NANOS_PER_MS });
  readonly #subscription: Subscription;
  /** Who waits for a job. A job does not say whose request it answers, so the first of them gets it. */
  readonly #waiting: Take[] = [];
  /** Requests that the bus has not answered. */
  #asked = 0;
  #silence: NodeJS.Timeout;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connection: NatsConnection, consumer: string) {
    this.#connection = connection;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.jobs}.${consumer}`;
    this.#subscription = connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (!error) this.#receive(message);
      },
    });
    this.#silence = setTimeout(() => this.#startOver(), SILENCE_MS);
    void this.#watchConnection();
  }

  /** The next job, as soon as there is one; `undefined` once the queue is closed. */
  next(): Promise<Lease | undefined> {
    const { promise, resolve } = Promise.withResolvers<Lease | undefined>();
    if (this.#closed) resolve(undefined);
    else {
      this.#waiting.push(resolve);
      this.#ask();
    }
    return promise;
  }

  /** Ends every wait. A job that the bus hands out in this moment goes to another after the ack wait. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#subscription.unsubscribe();
    for (const take of this.#waiting.splice(0)) take(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Makes as many requests as somebody waits for. */
  #ask(): void {
    while (!this.#closed && this.#asked < this.#waiting.length) {
      this.#asked += 1;
      this.#connection.publish(this.#subject, this.#request, { reply: this.#inbox });
    }
  }

  #startOver(): void {
    this.#silence.refresh();
    this.#asked = 0;
    this.#ask();
  }

  #receive(message: Msg): void {
    this.#silence.refresh();
    this.#asked = Math.max(0, this.#asked - 1);
    const lease = Lease.of(this.#connection, message);
    if (lease) {
      const take = this.#waiting.shift();
      if (take) take(lease);
      else lease.giveBack();
    } else if (NO_JOB_CODES.has(message.headers?.code ?? 0)) {
      this.#ask();
    } else {
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#ask();
      }, RETRY_MS);
    }
  }

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#closed) return;
      // A bus that was gone has forgotten who waits.
      if (type === 'reconnect') this.#startOver();
    }
  }
}
