import { faultPoint } from '../bus/fault-point.ts';
import { endJob, type RecordStore } from '../bus/record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Reservation } from '../ledger/tables.ts';
import type { JobId } from '../protocol/ids.ts';
import type { Log } from '../protocol/log.ts';
import { readAccepted } from './accepted.ts';
import { tellEnd } from './job-ends.ts';
import type { Settler } from './settler.ts';

export interface SweepTimes {
  /** Between two looks, in milliseconds. */
  readonly everyMs: number;
  /** Younger reservations are left alone, in milliseconds: their job may be on its way into the queue. */
  readonly minAgeMs: number;
}

export const DEFAULT_SWEEP_TIMES: SweepTimes = { everyMs: 60_000, minAgeMs: 300_000 };

/** Most reservations looked at at once; the others wait for the next time. */
const MAX_LOOKS = 500;

export interface SweepOptions {
  readonly store: RecordStore;
  readonly ledger: Ledger;
  readonly settler: Settler;
  readonly log: Log;
  readonly now: () => number;
  readonly times?: SweepTimes | undefined;
}

/**
 * Ends reservations that nobody else would: those whose job never came into the queue, because the director that held
 * the credits was gone before it did. Such a job is ended as cancelled first, so that it cannot be done any more, and
 * refunded like any other.
 */
export class Sweep implements Disposable {
  readonly #options: SweepOptions;
  readonly #timer: NodeJS.Timeout;
  /** They have a record, which the reaper keeps until they are settled. */
  #kept = new Set<JobId>();
  #looking = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), (options.times ?? DEFAULT_SWEEP_TIMES).everyMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { ledger, times = DEFAULT_SWEEP_TIMES, now } = this.#options;
      const oldest = now() - times.minAgeMs;
      const open = [...ledger.state.reservations()].map(([, reservation]) => reservation);
      const kept = this.#kept;
      this.#kept = new Set(open.map(({ job }) => job).filter((job) => kept.has(job)));
      const stale = open.filter(({ job, at }) => at <= oldest && !this.#kept.has(job));
      for (const reservation of stale.slice(0, MAX_LOOKS)) await this.#lookAt(reservation);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ reason }, 'reservations could not be looked at');
    } finally {
      this.#looking = false;
    }
  }

  async #lookAt({ account, job }: Reservation): Promise<void> {
    const { store, settler, log } = this.#options;
    if (await readAccepted(store, account, job)) {
      this.#kept.add(job);
      return;
    }
    const result = { status: 'cancelled', reason: 'it never came into the queue' } as const;
    if (await endJob(store, account, job, result)) {
      await tellEnd(store, account, job, result);
      log.warn({ job, account }, 'a job that never came into the queue was cancelled');
      faultPoint('after-sweep');
    }
    await settler.settle(account, job);
  }
}
