import type { JetStreamManager } from '@nats-io/jetstream';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import type { Lane } from '../protocol/job.ts';
import type { ModelName } from '../protocol/model.ts';
import { patterns, STREAMS } from '../protocol/subjects.ts';

/** With fewer unfinished jobs than this, an account's next one is served before those of fuller accounts. */
const FRESH_JOBS = 4;
/** A count is read from the bus again after this long, in milliseconds; in between, what is accepted here is added. */
const COUNT_TTL_MS = 500;
/** Most counts kept. */
const MAX_COUNTS = 10_000;

export interface QueueBounds {
  /** Most unfinished jobs of one account. */
  readonly perAccount: number;
  /** Most unfinished jobs of one model. */
  readonly perModel: number;
}

export const DEFAULT_BOUNDS: QueueBounds = { perAccount: 10_000, perModel: 100_000 };

interface Count {
  jobs: number;
  readonly readAt: number;
}

/** How many jobs wait or are in work, by account and by model, as the bus tells. */
export class Unfinished {
  readonly #manager: JetStreamManager;
  readonly #bounds: QueueBounds;
  readonly #now: () => number;
  readonly #counts = new Map<string, Promise<Count>>();

  constructor(manager: JetStreamManager, bounds: QueueBounds = DEFAULT_BOUNDS, now: () => number = Date.now) {
    this.#manager = manager;
    this.#bounds = bounds;
    this.#now = now;
  }

  /**
   * Counts one more job, and says where it waits.
   * @throws AipgError `queue-full`
   */
  async admit(account: Account, model: ModelName): Promise<Lane> {
    const [ofAccount, ofModel] = await Promise.all([
      this.#count(patterns.jobsOf(account)),
      this.#count(patterns.jobsFor(model)),
    ]);
    const { perAccount, perModel } = this.#bounds;
    if (ofAccount.jobs >= perAccount) {
      throw full(
        `The account ${account} has ${ofAccount.jobs} unfinished jobs, the most that this grid takes.`,
      );
    }
    if (ofModel.jobs >= perModel) {
      throw full(`${ofModel.jobs} jobs wait for ${model}, the most that this grid takes.`);
    }
    const lane = ofAccount.jobs < FRESH_JOBS ? 'fresh' : 'backlog';
    ofAccount.jobs += 1;
    ofModel.jobs += 1;
    return lane;
  }

  #count(filter: string): Promise<Count> {
    const known = this.#counts.get(filter);
    const counted = known?.then((count) =>
      this.#now() - count.readAt < COUNT_TTL_MS ? count : this.#renew(filter, known),
    );
    return counted ?? this.#renew(filter, undefined);
  }

  /** One request for all who ask at the same time. */
  #renew(filter: string, old: Promise<Count> | undefined): Promise<Count> {
    const current = this.#counts.get(filter);
    if (current !== undefined && current !== old) return current;
    if (this.#counts.size >= MAX_COUNTS) this.#counts.clear();
    const count = this.#read(filter);
    this.#counts.set(filter, count);
    count.catch(() => this.#counts.delete(filter));
    return count;
  }

  async #read(filter: string): Promise<Count> {
    const readAt = this.#now();
    const { state } = await this.#manager.streams.info(STREAMS.jobs, { subjects_filter: filter });
    const jobs = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    return { jobs, readAt };
  }
}

function full(message: string): AipgError {
  return new AipgError('queue-full', message, {
    hint: 'Try again when some of them have ended; aipg jobs tells how far they are.',
  });
}
