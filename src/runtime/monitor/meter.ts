/** Seconds over which a rate is taken. */
export const WINDOW_SECONDS = 10;

/** How many a second, over the last ten, or those since the watch began: a bucket a second, the one that is being filled apart. */
export class Meter {
  readonly #buckets = new Float64Array(WINDOW_SECONDS + 1);
  #second = 0;
  #sum = 0;
  readonly #start: number;

  /** @param since from when on it would have heard, in milliseconds */
  constructor(since: number) {
    this.#start = Math.floor(since / 1_000);
  }

  /** @param at in milliseconds */
  add(count: number, at: number): void {
    this.#advance(at);
    const index = this.#second % this.#buckets.length;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + count;
    this.#sum += count;
  }

  /** A second, over whole seconds, so that it does not sag at the start of each. */
  rate(at: number): number {
    this.#advance(at);
    const filling = this.#buckets[this.#second % this.#buckets.length] ?? 0;
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, this.#second - this.#start));
    return Math.max(0, this.#sum - filling) / seconds;
  }

  /** Nothing in the window. */
  get isIdle(): boolean {
    return this.#sum === 0;
  }

  /** A clock that goes back adds to the newest second. */
  #advance(at: number): void {
    const second = Math.floor(at / 1_000);
    const steps = Math.min(second - this.#second, this.#buckets.length);
    for (let step = 1; step <= steps; step++) {
      const index = (second - steps + step) % this.#buckets.length;
      this.#sum -= this.#buckets[index] ?? 0;
      this.#buckets[index] = 0;
    }
    if (second > this.#second) this.#second = second;
  }
}
