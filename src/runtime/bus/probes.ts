/** A request for a job that is there is answered sooner than this, or lost with the director that had it, in milliseconds. */
const ANSWER_MS = 5_000;

interface Probe {
  readonly consumer: string;
  readonly at: number;
}

/**
 * The unanswered requests for jobs that are there. One that was lost would keep a slot from asking for as long as others
 * get answers, so it is forgotten after a while. An answer tells its lane, not which request it is to.
 */
export class Probes implements Disposable {
  readonly #onLost: () => void;
  #probes: Probe[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param onLost called when some were forgotten */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  get size(): number {
    return this.#probes.length;
  }

  sent(consumer: string): void {
    this.#probes.push({ consumer, at: performance.now() });
    this.#watch();
  }

  /** Takes the newest of its lane for answered: one that was lost before it stays, and is forgotten in its time. */
  answered(consumer: string): void {
    const index = this.#probes.findLastIndex((probe) => probe.consumer === consumer);
    if (index >= 0) this.#probes.splice(index, 1);
  }

  clear(): void {
    this.#probes = [];
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #watch(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const oldest = performance.now() - ANSWER_MS;
      const before = this.#probes.length;
      this.#probes = this.#probes.filter(({ at }) => at > oldest);
      if (this.#probes.length > 0) this.#watch();
      if (this.#probes.length < before) this.#onLost();
    }, ANSWER_MS);
  }
}
