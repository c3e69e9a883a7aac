import { headers } from '@nats-io/transport-node';
import { z } from 'zod';
import type { RecordStore } from '../bus/record.ts';
import { NANOS_PER_MS } from '../bus/streams.ts';
import { decode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Asker } from '../protocol/key-limits.ts';
import { patterns, STREAMS, subjects } from '../protocol/subjects.ts';

const MINUTE_MS = 60_000;
/** A count is of no use once its minute is over, by the slowest clock of a director. */
const KEPT_MS = 10 * MINUTE_MS;

/** JetStream's answer to a message that adds to a counter (ADR-49 of NATS). */
const countSchema = z.object({ val: z.string().regex(/^\d{1,15}$/) });

/** Counts what keys with limits ask for, on the bus: all directors together let no more pass than one would. */
export class Rates {
  readonly #store: RecordStore;
  readonly #now: () => number;
  #counters: Promise<void> | undefined;

  constructor(store: RecordStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Counts one more job of a key in this minute of the clock.
   * @throws AipgError `queue-full` when that is more than the key may ask for
   */
  async admit({ key, limits }: Pick<Asker, 'key' | 'limits'>): Promise<void> {
    if (key === undefined || limits?.perMinute === undefined) return;
    this.#counters ??= this.#open();
    this.#counters.catch(() => {
      this.#counters = undefined;
    });
    await this.#counters;
    const now = this.#now();
    const count = await this.#add(subjects.rate(key, Math.floor(now / MINUTE_MS)));
    if (count <= limits.perMinute) return;
    const seconds = Math.ceil((MINUTE_MS - (now % MINUTE_MS)) / 1_000);
    throw new AipgError('queue-full', `This key may ask for ${limits.perMinute} jobs a minute, and has.`, {
      hint: `Try again in ${seconds} seconds.`,
    });
  }

  async #add(subject: string): Promise<number> {
    const one = headers();
    one.set('Nats-Incr', '+1');
    const reply = await this.#store.connection.request(subject, '', { headers: one, timeout: 5_000 });
    const count = decode(countSchema, reply.data);
    if (count.ok) return Number(count.value.val);
    throw new AipgError('grid-unreachable', `The message bus does not count (its answer ${count.reason}).`, {
      hint: 'See the log of nats-server.',
    });
  }

  async #open(): Promise<void> {
    const { manager } = this.#store;
    const { config } = await manager.streams.info(STREAMS.jobs);
    await manager.streams.add({
      name: STREAMS.rates,
      subjects: [patterns.rates],
      storage: 'memory',
      num_replicas: config.num_replicas,
      max_age: KEPT_MS * NANOS_PER_MS,
      max_msgs_per_subject: 1,
      allow_msg_counter: true,
      allow_direct: true,
    });
  }
}
