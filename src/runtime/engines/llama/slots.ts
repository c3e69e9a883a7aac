import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import { orAbort } from '../or-abort.ts';
import { canGoBack, mostSimilar } from './prompt-cache.ts';
import { Rounds } from './rounds.ts';

/** What a generation asks of the slot that it takes. */
export interface SlotRequest {
  /** What the sequence is to hold before the first token of output is chosen, 1 or more. */
  readonly tokens: readonly Token[];
  /** Whose state may be reused, and whose this one becomes; absent: nobody's. */
  readonly cacheScope: string | undefined;
}

/** A sequence of a context, lent to one generation at a time. */
export interface Slot {
  readonly sequence: LlamaContextSequence;
  /** In whose name its state was decoded, if it is kept. */
  cacheScope: string | undefined;
}

interface Waiter {
  readonly give: (slot: Slot) => void;
}

/** The sequences of a context, lent one per generation, first come, first served. */
export class Slots {
  readonly rounds = new Rounds();
  /** The longest unused first; those that hold nothing before them. */
  readonly #free: Slot[];
  readonly #waiting: Waiter[] = [];
  readonly #busy = new Set<Promise<unknown>>();

  constructor(context: LlamaContext, count: number) {
    this.#free = Array.from({ length: count }, () => ({
      // Not even a model that cannot go back without them needs them, see `canGoBack`; they take memory.
      sequence: context.getSequence({ checkpoints: { interval: false } }),
      cacheScope: undefined,
    }));
  }

  /**
   * A slot, as soon as one is free, whose sequence holds nothing but a beginning of the tokens, never all of them: its
   * `nextTokenIndex` tells how many. @throws the signal's reason when it aborts before.
   */
  async acquire(request: SlotRequest, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    const slot = this.#takeFree(request) ?? (await this.#wait(signal));
    // It may have to wait for what is being decoded in the other slots.
    const prepared = this.track(prepare(slot, request));
    try {
      await orAbort(prepared, signal);
      return slot;
    } catch (error) {
      this.release(slot, prepared);
      throw error;
    }
  }

  /**
   * Takes a slot back, for the next one once the work that still runs on it is done. What that has left there is kept
   * for its scope, unless the work failed.
   */
  release(slot: Slot, work: Promise<unknown> = Promise.resolve()): void {
    this.rounds.leave();
    const isKept = work.then(
      () => slot.cacheScope !== undefined,
      () => false,
    );
    const left = this.track(isKept.then((kept) => (kept ? undefined : empty(slot))));
    left.then(
      () => this.#give(slot),
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

  #takeFree({ tokens, cacheScope }: SlotRequest): Slot | undefined {
    const own = this.#free.filter((slot) => cacheScope !== undefined && slot.cacheScope === cacheScope);
    const slot = mostSimilar(own, tokens) ?? this.#free[0];
    if (slot === undefined) return undefined;
    this.#free.splice(this.#free.indexOf(slot), 1);
    this.rounds.join();
    return slot;
  }

  #wait(signal: AbortSignal): Promise<Slot> {
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

  #give(slot: Slot): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) waiter.give(slot);
    else if (slot.cacheScope === undefined) this.#free.unshift(slot);
    else this.#free.push(slot);
  }
}

/** Leaves in the sequence what it shares with the tokens, if it may be reused; at least one is left to decode. */
async function prepare(slot: Slot, { tokens, cacheScope }: SlotRequest): Promise<void> {
  const { sequence } = slot;
  const kept = tokens.slice(0, -1);
  if (slot.cacheScope !== cacheScope || !canGoBack(sequence, kept)) await empty(slot);
  slot.cacheScope = cacheScope;
  if (sequence.nextTokenIndex > 0) await sequence.adaptStateToTokens(kept, false);
}

async function empty(slot: Slot): Promise<void> {
  slot.cacheScope = undefined;
  if (slot.sequence.nextTokenIndex > 0) await slot.sequence.clearHistory();
}
