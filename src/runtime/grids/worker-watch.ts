import type { JobEvent } from '../protocol/events.ts';
import type { WorkerId } from '../protocol/ids.ts';

/**
 * After this long without a token, and after this many times the last pause between two, it is checked whether the
 * job's worker is still there, in milliseconds; each further time it is twice as long.
 */
const STALL_MS = 500;
const STALL_PAUSES = 4;

/** Under what a job runs. */
export interface HeldLease {
  readonly worker: WorkerId;
  readonly lease: string;
}

/** Notices that a job's worker has fallen silent, by the events of the job. */
export class WorkerWatch implements Disposable {
  readonly #check: (held: HeldLease) => Promise<unknown>;
  /** As long as the job runs. */
  #held: HeldLease | undefined;
  #stall: NodeJS.Timeout | undefined;
  #heardAt = 0;
  #closed = false;

  /** @param check has a director look after the worker; what comes of it is told by events */
  constructor(check: (held: HeldLease) => Promise<unknown>) {
    this.#check = check;
  }

  heard(event: JobEvent): void {
    if (event.type === 'leased') {
      const { worker, lease } = event;
      this.#held = lease === undefined ? undefined : { worker, lease };
    } else if (!isPiece(event)) this.#held = undefined;
    const now = performance.now();
    const pause = isPiece(event) ? now - this.#heardAt : 0;
    this.#heardAt = now;
    this.#expectToken(Math.max(STALL_MS, STALL_PAUSES * pause));
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#stall);
  }

  #expectToken(ms: number): void {
    clearTimeout(this.#stall);
    const held = this.#held;
    if (held === undefined || this.#closed) return;
    this.#stall = setTimeout(() => {
      void this.#check(held)
        // The lease runs out by itself, too.
        .catch(() => undefined)
        .then(() => {
          if (this.#held === held) this.#expectToken(2 * ms);
        });
    }, ms);
  }
}

function isPiece({ type }: JobEvent): boolean {
  return type === 'chunk' || type === 'sealed';
}
