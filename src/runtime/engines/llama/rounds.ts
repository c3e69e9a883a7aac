/**
 * Lets the sequences of a context decode in step. Left alone, each asks for its next token as soon as it has the one
 * before, just after the batch that the others have asked for was put together, so that half of them wait for the
 * other half; a batch costs little more than one of its sequences.
 */
export class Rounds {
  #running = 0;
  #isCalled = false;
  #waiting: (() => void)[] = [];

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

  /** The next round begins when the last is over and whoever was in it has had the time to ask again. */
  #call(): void {
    if (this.#running > 0 || this.#isCalled || this.#waiting.length === 0) return;
    this.#isCalled = true;
    setImmediate(() => {
      this.#isCalled = false;
      const round = this.#waiting;
      this.#waiting = [];
      this.#running = round.length;
      for (const begin of round) begin();
    });
  }
}
