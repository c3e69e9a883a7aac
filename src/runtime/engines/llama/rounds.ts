/**
 * Lets the sequences of a context decode in step. Left alone, each asks for its next token as soon as it has the one
 * before, just after the batch that the others have asked for was put together, so that half of them wait for the
 * other half; a batch costs little more than one of its sequences.
 */
export class Rounds {
  /** Generations that ask for steps. */
  #members = 0;
  #running = 0;
  #isCalled = false;
  #waiting: (() => void)[] = [];
  #listeners: (() => void)[] = [];

  /** One more generation will ask for steps, until {@link leave}. */
  join(): void {
    this.#members += 1;
  }

  leave(): void {
    this.#members -= 1;
    this.#call();
  }

  /** Runs a step together with all others that are asked for before the round begins. */
  async step<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      this.#waiting.push(begin);
      this.#call();
    });
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#call();
    }
  }

  /**
   * Resolves once the next round is being computed, which happens on a thread of its own: what is done then costs the
   * sequences nothing. At once where nothing is asked for.
   */
  computing(): Promise<void> {
    if (this.#waiting.length === 0 && this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#listeners.push(resolve));
  }

  /**
   * The next round begins when the last is over and all have asked again, or whoever was in it has had the time to:
   * one who reads slowly is not waited for.
   */
  #call(): void {
    if (this.#running > 0) return;
    if (this.#waiting.length === 0) {
      // There may be no next round to wait for.
      this.#tell();
      return;
    }
    if (this.#waiting.length >= this.#members) {
      this.#begin();
      return;
    }
    if (this.#isCalled) return;
    this.#isCalled = true;
    setImmediate(() => {
      this.#isCalled = false;
      if (this.#running === 0 && this.#waiting.length > 0) this.#begin();
    });
  }

  #begin(): void {
    const round = this.#waiting;
    this.#waiting = [];
    this.#running = round.length;
    for (const begin of round) begin();
    // node-llama-cpp hands a batch to its thread in the same turn of the event loop, or in the next if it is not full.
    setImmediate(() => setImmediate(() => this.#tell()));
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
