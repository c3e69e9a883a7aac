/**
 * A clock at whose beats things are done together: what many jobs of a worker have to say then goes out in one write,
 * each of which wakes other processes. It runs only while something waits for it.
 */
export class Beats {
  readonly #ms: number;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param ms between two beats, in milliseconds */
  constructor(ms: number, now: () => number = () => performance.now()) {
    this.#ms = ms;
    this.#now = now;
  }

  /** The count of the beat that is now. */
  get count(): number {
    return Math.floor(this.#now() / this.#ms);
  }

  /** Does something at the next beat, once. */
  await(action: () => void): void {
    this.#waiting.add(action);
    this.#timer ??= setTimeout(() => this.#strike(), Math.ceil((this.count + 1) * this.#ms - this.#now()));
  }

  /** No longer does it. */
  forget(action: () => void): void {
    this.#waiting.delete(action);
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #strike(): void {
    this.#timer = undefined;
    const actions = [...this.#waiting];
    this.#waiting.clear();
    for (const action of actions) action();
  }
}
