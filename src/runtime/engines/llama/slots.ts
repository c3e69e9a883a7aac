import type { LlamaContext, LlamaContextSequence } from 'node-llama-cpp';
import { Rounds } from './rounds.ts';

interface Waiter {
  readonly give: (sequence: LlamaContextSequence) => void;
}

/** The sequences of a context, lent one per generation, first come, first served. */
export class Slots {
  readonly rounds = new Rounds();
  readonly #free: LlamaContextSequence[];
  readonly #waiting: Waiter[] = [];
  readonly #busy = new Set<Promise<unknown>>();

  constructor(context: LlamaContext, count: number) {
    this.#free = Array.from({ length: count }, () => context.getSequence());
  }

  /** An empty sequence, as soon as one is free. @throws the signal's reason when it aborts before. */
  acquire(signal: AbortSignal): Promise<LlamaContextSequence> {
    signal.throwIfAborted();
    const sequence = this.#free.pop();
    if (sequence !== undefined) {
      this.rounds.join();
      return Promise.resolve(sequence);
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        give: (given) => {
          signal.removeEventListener('abort', onAbort);
          this.rounds.join();
          resolve(given);
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Takes a sequence back; the next one gets it, empty, once the work that still runs on it is done. */
  release(sequence: LlamaContextSequence, work: Promise<unknown> = Promise.resolve()): void {
    this.rounds.leave();
    const emptied = this.track(work.catch(() => undefined).then(() => sequence.clearHistory()));
    emptied.then(
      () => this.#give(sequence),
      // The context is gone, and with it all its sequences.
      () => undefined,
    );
  }

  /** Counts work as running until it settles. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    const done = () => this.#busy.delete(work);
    work.then(done, done);
    return work;
  }

  /** Resolves when nothing runs on any sequence. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy);
  }

  #give(sequence: LlamaContextSequence): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#free.push(sequence);
    else waiter.give(sequence);
  }
}
