import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { JobLane, Tier } from '../protocol/job.ts';
import { subjects } from '../protocol/subjects.ts';
import { newInbox } from './identity.ts';
import { Lease, type SayOfLease } from './lease.ts';
import { Probes } from './probes.ts';
import type { OwnQueue, Queue } from './provision.ts';
import { Reconnects } from './reconnects.ts';
import { FairTurns } from './turns.ts';

const NANOS_PER_MS = 1_000_000;
/** How long one request for a job waits at the bus before it is made again, in milliseconds. */
const EXPIRES_MS = 30_000;
/** With no word from the bus for this long, whatever was asked of it is lost. */
const SILENCE_MS = EXPIRES_MS + 5_000;
/** Before the bus is asked again after it could not serve a request, in milliseconds. */
const RETRY_MS = 500;
/** A lane found empty is not asked again for this long while others have jobs, in milliseconds. */
const EMPTY_MS = 100;

/** The bus ended a request because there was no job, or none came in its time. */
const NO_JOB_CODES: ReadonlySet<number> = new Set([404, 408]);

/** How often each is served where all have jobs. */
const TIER_WEIGHTS: Record<Tier, number> = { priority: 16, standard: 4, bulk: 1 };
const LANE_WEIGHTS: Record<JobLane, number> = { own: 1, fresh: 4, backlog: 1 };

interface Inbox {
  readonly subject: string;
  readonly subscription: Subscription;
}

type Take = (lease: Lease | undefined) => void;

/** How the bus is asked for jobs. */
export interface QueueAccess {
  /** @param expiresMs how long the request may wait for a job, in milliseconds; 0: only for one that is there */
  readonly requestNext: (queue: Queue | OwnQueue, expiresMs: number, reply: string) => void;
  readonly say: SayOfLease;
}

/** By JetStream itself, for who may use it. */
export function directAccess(connection: NatsConnection): QueueAccess {
  return {
    requestNext: ({ consumer }, expiresMs, reply) => {
      const wait = expiresMs === 0 ? { no_wait: true } : { expires: expiresMs * NANOS_PER_MS };
      connection.publish(subjects.nextJob(consumer), JSON.stringify({ batch: 1, ...wait }), { reply });
    },
    say: (lease, word) => connection.publish(lease, word),
  };
}

interface Source {
  readonly queue: Queue | OwnQueue;
  /** Requests that wait at the bus for a job to come. */
  standing: number;
  emptyUntil: number;
}

/**
 * Hands out the jobs of one model, one for each call of {@link next}, from its tiers and lanes in turn, by JetStream's
 * pull protocol (ADR-13 of NATS). While there are jobs it asks one lane at a time, in the order of their turns; only
 * when all are empty it leaves requests standing at each, until nobody waits. A job that comes by one of them too late
 * is given back at once, which costs an attempt's number and nothing else. Jobs of the worker's own account go before
 * all others, whatever their tier.
 *
 * All calls share one subscription: the client library's own `fetch` makes and ends one for each job, which is a good
 * part of what a short job costs.
 */
export class JobQueue implements Disposable {
  readonly #connection: NatsConnection;
  readonly #access: QueueAccess;
  readonly #sources = new Map<string, Source>();
  readonly #turns: FairTurns<string>;
  /** Asked before the others. */
  readonly #ownTurns: FairTurns<string>;
  /** Where answers come, by how they were asked for: a job itself does not say whose request it answers. */
  readonly #probing: Inbox;
  #standing: Inbox | undefined;
  readonly #now: () => number;
  /** Who waits for a job, first come, first served. */
  readonly #waiting: Take[] = [];
  readonly #probes = new Probes(() => this.#ask());
  readonly #silence: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    connection: NatsConnection,
    queues: readonly (Queue | OwnQueue)[],
    access: QueueAccess = directAccess(connection),
    now: () => number = Date.now,
  ) {
    this.#connection = connection;
    this.#access = access;
    this.#now = now;
    for (const queue of queues) this.#sources.set(queue.consumer, { queue, standing: 0, emptyUntil: 0 });
    this.#turns = turnsOf(queues.filter(({ lane }) => lane !== 'own'));
    this.#ownTurns = turnsOf(queues.filter(({ lane }) => lane === 'own'));
    this.#probing = this.#openInbox();
    this.#silence = setTimeout(() => this.#startOver(), SILENCE_MS);
    // A bus that was gone has forgotten who waits.
    this.#unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') this.#startOver();
      if (change === 'close') this.close();
    });
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
    this.#unlisten();
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#probes[Symbol.dispose]();
    this.#probing.subscription.unsubscribe();
    this.#standing?.subscription.unsubscribe();
    for (const take of this.#waiting.splice(0)) take(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Makes as many requests as somebody waits for. */
  #ask(): void {
    while (!this.#closed && !this.#connection.isClosed() && this.#probes.size < this.#waiting.length) {
      const now = this.#now();
      const mayHave = (name: string) => (this.#sources.get(name)?.emptyUntil ?? 0) <= now;
      const consumer = this.#ownTurns.next(mayHave) ?? this.#turns.next(mayHave);
      if (consumer === undefined) {
        this.#stand();
        return;
      }
      this.#probes.sent(consumer);
      this.#request(consumer, this.#probing, 0);
    }
  }

  /** Waits at every lane at once, with as many requests as somebody waits for. */
  #stand(): void {
    this.#standing ??= this.#openInbox();
    for (const [consumer, source] of this.#sources) {
      while (source.standing < this.#waiting.length) {
        source.standing += 1;
        this.#request(consumer, this.#standing, EXPIRES_MS);
      }
    }
  }

  #openInbox(): Inbox {
    const subject = newInbox(this.#connection);
    const inbox: Inbox = {
      subject,
      subscription: this.#connection.subscribe(`${subject}.*`, {
        callback: (error, message) => {
          if (!error) this.#receive(inbox, message);
        },
      }),
    };
    return inbox;
  }

  /**
   * Takes the standing requests back once nobody waits: the bus forgets those whose inbox nobody listens to. What it
   * had sent before still comes, and is given back.
   */
  #withdraw(): void {
    if (this.#waiting.length > 0 || this.#standing === undefined) return;
    this.#standing.subscription.drain().catch(() => undefined);
    this.#standing = undefined;
    for (const source of this.#sources.values()) source.standing = 0;
  }

  #request(consumer: string, inbox: Inbox, expiresMs: number): void {
    const queue = this.#sources.get(consumer)?.queue;
    if (queue) this.#access.requestNext(queue, expiresMs, `${inbox.subject}.${consumer}`);
  }

  #startOver(): void {
    this.#silence.refresh();
    this.#probes.clear();
    for (const source of this.#sources.values()) Object.assign(source, { standing: 0, emptyUntil: 0 });
    this.#ask();
  }

  #receive(inbox: Inbox, message: Msg): void {
    this.#silence.refresh();
    const isProbe = inbox === this.#probing;
    const lease = Lease.of(this.#connection, message, this.#access.say);
    const source = this.#sources.get(lease?.consumer ?? message.subject.slice(inbox.subject.length + 1));
    if (!source) return;
    if (isProbe) this.#probes.answered(source.queue.consumer);
    else if (inbox === this.#standing) source.standing = Math.max(0, source.standing - 1);
    if (lease) {
      source.emptyUntil = 0;
      this.#hand(lease);
    } else if (NO_JOB_CODES.has(message.headers?.code ?? 0)) {
      if (isProbe) source.emptyUntil = this.#now() + EMPTY_MS;
      this.#ask();
    } else if (isProbe && source.queue.lane === 'own') {
      // Nobody else's jobs wait for what keeps one's own from coming.
      source.emptyUntil = this.#now() + RETRY_MS;
      this.#ask();
    } else {
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#ask();
      }, RETRY_MS);
    }
  }

  #hand(lease: Lease): void {
    const take = this.#waiting.shift();
    if (take) {
      const isOwn = this.#sources.get(lease.consumer)?.queue.lane === 'own';
      (isOwn ? this.#ownTurns : this.#turns).took(lease.consumer);
      take(lease);
      this.#withdraw();
    } else lease.giveBack();
  }
}

function turnsOf(queues: readonly (Queue | OwnQueue)[]): FairTurns<string> {
  return new FairTurns(
    new Map(queues.map(({ consumer, tier, lane }) => [consumer, TIER_WEIGHTS[tier] * LANE_WEIGHTS[lane]])),
  );
}
