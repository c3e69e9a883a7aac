import { type RecordStore, readResult } from '../bus/record.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { readAccepted } from './accepted.ts';
import { takeAway, tellEnd } from './job-ends.ts';

/** A worker that was told of its job's end has said by then what it has streamed, in milliseconds. */
const TELL_MS = 1_000;

export interface LatePartsOptions {
  readonly store: RecordStore;
  /** Settles the job now, unless its worker has time left: how long, in milliseconds. */
  readonly settle: (account: Account, job: JobId) => Promise<number | undefined>;
  /** Takes care of work that nobody waits for; it may fail. */
  readonly run: (job: JobId, work: Promise<void>) => void;
}

/**
 * Jobs that were cut short and whose worker has not said yet what it has streamed. They hold up no others, and nothing
 * is lost with this process: whoever looks after accepted jobs settles them if this director cannot.
 */
export class LateParts implements Disposable {
  readonly #options: LatePartsOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: LatePartsOptions) {
    this.#options = options;
  }

  /** Settles a job once its worker has had its time. @param ms how long, in milliseconds */
  wait(ms: number, account: Account, job: JobId): void {
    this.#in(Math.min(ms, TELL_MS), job, async () => {
      const waitMs = await this.#options.settle(account, job);
      if (waitMs === undefined) return;
      await this.#tellEnd(account, job);
      this.#in(waitMs, job, async () => void (await this.#options.settle(account, job)));
    });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #in(ms: number, job: JobId, act: () => Promise<void>): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#options.run(job, act());
    }, ms);
    this.#timers.add(timer);
  }

  /** Whoever has ended the job may have been killed before it told anybody. */
  async #tellEnd(account: Account, job: JobId): Promise<void> {
    const { store } = this.#options;
    const result = await readResult(store, account, job);
    const accepted = await readAccepted(store, account, job);
    if (!result || !accepted) return;
    await tellEnd(store, account, job, result);
    await takeAway(store, account, { type: 'cancel', job, reason: result.status }, accepted.sequence);
  }
}
