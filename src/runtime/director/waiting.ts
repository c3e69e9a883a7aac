import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Roster } from '../bus/roster.ts';
import { encode } from '../protocol/codec.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import { ownConsumerName } from '../protocol/own-lane.ts';
import { consumerName, STREAMS, subjects } from '../protocol/subjects.ts';
import type { AcceptedRecord } from './accepted.ts';
import type { OwnLane } from './own-lane.ts';

/** Between two looks at the queues, while any job of this director waits, in milliseconds. */
const LOOK_MS = 1_000;
/** Most jobs told of at one look: those that are served first. */
const MAX_TOLD = 200;
/** Most jobs that a director remembers as waiting; those beyond are served all the same, and not told their place. */
const MAX_JOBS = 50_000;
/** Jobs that are moved to the queue of all at the same time. */
const MOVES_AT_ONCE = 16;
/** How much the newest look counts in a queue's speed. */
const NEWEST = 0.3;

interface WaitingJob {
  readonly id: JobId;
  readonly account: Account;
  /** In the queue's stream. */
  readonly sequence: number;
  readonly own: AcceptedRecord['own'];
  /** In milliseconds since 1970. */
  readonly since: number;
  told: number;
}

interface WaitingLane {
  readonly model: ModelName;
  /** Served before this one, as far as a place tells. */
  readonly before: string | undefined;
  /** Whose own workers they wait for. */
  readonly owner: Account | undefined;
  readonly jobs: WaitingJob[];
}

interface Speed {
  readonly delivered: number;
  readonly at: number;
  /** Jobs a millisecond; absent until the queue has moved. */
  readonly rate: number | undefined;
}

/**
 * Tells the jobs that this director has accepted where they stand in the queue, until a worker takes them; those that
 * have waited too long for their account's own workers it moves to the queue of all.
 */
export class WaitingJobs implements Disposable {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #roster: Roster;
  readonly #now: () => number;
  readonly #own: OwnLane | undefined;
  readonly #lanes = new Map<string, WaitingLane>();
  readonly #speeds = new Map<string, Speed>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    roster: Roster,
    now: () => number,
    own?: OwnLane,
  ) {
    this.#own = own;
    this.#connection = connection;
    this.#manager = manager;
    this.#roster = roster;
    this.#now = now;
  }

  add({ job, lane, sequence, own }: AcceptedRecord): void {
    if (this.#count >= MAX_JOBS) return;
    const { id, account, kind, tier, model } = job;
    const owner = own && account;
    const consumer = owner
      ? ownConsumerName(kind, tier, model, owner)
      : consumerName(kind, tier, lane, model);
    const before = !owner && lane === 'backlog' ? consumerName(kind, tier, 'fresh', model) : undefined;
    const waiting = this.#lanes.get(consumer) ?? { model, before, owner, jobs: [] };
    this.#lanes.set(consumer, waiting);
    waiting.jobs.push({ id, account, sequence, own, since: this.#now(), told: 0 });
    this.#count += 1;
    this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed || this.#count === 0) return;
    this.#timer ??= setTimeout(() => {
      void this.#look().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, LOOK_MS);
  }

  async #look(): Promise<void> {
    const infos = new Map<string, ConsumerInfo | undefined>();
    const ask = async (consumer: string) => {
      if (infos.has(consumer)) return infos.get(consumer);
      const info = await this.#manager.consumers.info(STREAMS.jobs, consumer).catch(() => undefined);
      infos.set(consumer, info);
      return info;
    };
    for (const [consumer, lane] of this.#lanes) {
      const info = await ask(consumer);
      if (info) this.#drop(consumer, lane, info);
      if (lane.owner !== undefined) await this.#moveOn(consumer, lane, lane.owner);
      if (!info) continue;
      const ahead = lane.before === undefined ? 0 : ((await ask(lane.before))?.num_pending ?? 0);
      this.#tell(lane, ahead, this.#measure(consumer, info));
    }
  }

  /** Forgets those that a worker has taken, or that were cancelled while they waited. */
  #drop(consumer: string, lane: WaitingLane, { delivered, num_pending }: ConsumerInfo): void {
    this.#keep(
      consumer,
      lane,
      num_pending === 0 ? [] : lane.jobs.filter(({ sequence }) => sequence > delivered.stream_seq),
    );
  }

  #keep(consumer: string, lane: WaitingLane, left: readonly WaitingJob[]): void {
    this.#count -= lane.jobs.length - left.length;
    lane.jobs.splice(0, lane.jobs.length, ...left);
    if (left.length > 0) return;
    this.#lanes.delete(consumer);
    this.#speeds.delete(consumer);
  }

  /** Those that are moved wait on in their lane; those that could not be are gone, or another director's to look after. */
  async #moveOn(consumer: string, lane: WaitingLane, owner: Account): Promise<void> {
    const overdue = this.#own?.overdue(owner, lane.model, lane.jobs) ?? [];
    for (let from = 0; from < overdue.length; from += MOVES_AT_ONCE) {
      const moves = overdue.slice(from, from + MOVES_AT_ONCE).map(async ({ account, id, sequence }) => {
        const moved = await this.#own?.move(account, id, sequence);
        if (moved) this.add(moved);
      });
      await Promise.allSettled(moves);
    }
    const gone = new Set(overdue);
    this.#keep(
      consumer,
      lane,
      lane.jobs.filter((job) => !gone.has(job)),
    );
  }

  #measure(consumer: string, { delivered: { consumer_seq: delivered } }: ConsumerInfo): number | undefined {
    const at = this.#now();
    const last = this.#speeds.get(consumer);
    const moved = last === undefined ? 0 : (delivered - last.delivered) / Math.max(1, at - last.at);
    const rate =
      last?.rate === undefined ? (moved > 0 ? moved : undefined) : last.rate + NEWEST * (moved - last.rate);
    this.#speeds.set(consumer, { delivered, at, rate });
    return rate;
  }

  #tell({ model, jobs }: WaitingLane, ahead: number, rate: number | undefined): void {
    const loading = this.#roster.models().has(model)
      ? undefined
      : this.#roster.loading().find((worker) => worker.model === model)?.fraction;
    for (const [index, job] of jobs.slice(0, MAX_TOLD).entries()) {
      const place = ahead + index + 1;
      if (job.told === place && loading === undefined) continue;
      job.told = place;
      const estimateMs = rate === undefined || rate <= 0 ? undefined : Math.round(place / rate);
      this.#connection.publish(
        subjects.event(job.account, job.id),
        encode({
          type: 'waiting',
          place,
          ...(estimateMs !== undefined && { estimateMs }),
          ...(loading !== undefined && { loading }),
        }),
      );
    }
  }
}
