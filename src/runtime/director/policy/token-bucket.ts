/** How much may go through: so much a minute in the long run, and so much at once after a pause. */
export interface Rate {
  /** 1 to 1,000,000,000. */
  readonly perMinute: number;
  readonly burst: number;
}

/** One minute in milliseconds, and the parts of a token in which a bucket counts: so it needs no fractions. */
const MINUTE = 60_000;

/**
 * The token bucket of RFC 2697: it holds up to a burst, is filled by the minute, and what goes through takes from it.
 * In any span of t milliseconds no more than `burst + perMinute · t / 60,000` goes through.
 */
export class TokenBucket {
  #rate: Rate;
  /** In 60,000ths, so that a millisecond adds a whole number. */
  #level: number;
  #at: number;

  /** Full. @param now in milliseconds, like every later time */
  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#level = rate.burst * MINUTE;
    this.#at = now;
  }

  /** From now on; what is in it stays, as far as it fits. */
  change(rate: Rate, now: number): void {
    this.#fill(now);
    this.#rate = rate;
    this.#level = Math.min(this.#level, rate.burst * MINUTE);
  }

  /** Milliseconds until so much may go through: 0 now, `Infinity` for more than ever fits. */
  waitMs(tokens: number, now: number): number {
    if (tokens > this.#rate.burst) return Number.POSITIVE_INFINITY;
    this.#fill(now);
    return Math.ceil(Math.max(0, tokens * MINUTE - this.#level) / this.#rate.perMinute);
  }

  /** Whether so much may go through now; if so, it has. */
  take(tokens: number, now: number): boolean {
    if (this.waitMs(tokens, now) > 0) return false;
    this.#level -= tokens * MINUTE;
    return true;
  }

  /** One that is full knows nothing that a new one would not. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#level === this.#rate.burst * MINUTE;
  }

  /** A clock that is set back adds nothing. */
  #fill(now: number): void {
    if (now <= this.#at) return;
    const added = Math.min((now - this.#at) * this.#rate.perMinute, this.#rate.burst * MINUTE);
    this.#level = Math.min(this.#level + added, this.#rate.burst * MINUTE);
    this.#at = now;
  }
}
