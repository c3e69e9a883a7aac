import type { Account } from '../../protocol/ids.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** With more buckets than this, those that are full are forgotten, else the oldest. */
const MAX_BUCKETS = 10_000;

export interface Rates {
  readonly jobs?: Rate | undefined;
  /** Tokens of output that jobs ask for at most. */
  readonly outputTokens?: Rate | undefined;
}

export interface OverRate {
  readonly what: keyof Rates;
  readonly rate: Rate;
  /** `Infinity`: it never goes through. */
  readonly waitMs: number;
}

/** How much each account has asked for lately. */
export class RateLimits {
  readonly #buckets = new Map<string, TokenBucket>();

  /** Takes one job from an account's share, or says what it has to wait for; then nothing is taken. */
  take(account: Account, rates: Rates, outputTokens: number, now: number): OverRate | undefined {
    const costs = { jobs: 1, outputTokens };
    const taking: { bucket: TokenBucket; cost: number }[] = [];
    for (const what of ['jobs', 'outputTokens'] as const) {
      const rate = rates[what];
      if (rate === undefined) continue;
      const bucket = this.#bucket(`${what} ${account}`, rate, now);
      const cost = costs[what];
      const waitMs = bucket.waitMs(cost, now);
      if (waitMs > 0) return { what, rate, waitMs };
      taking.push({ bucket, cost });
    }
    for (const { bucket, cost } of taking) bucket.take(cost, now);
    return undefined;
  }

  #bucket(key: string, rate: Rate, now: number): TokenBucket {
    const known = this.#buckets.get(key);
    known?.change(rate, now);
    if (known) return known;
    if (this.#buckets.size >= MAX_BUCKETS) this.#sweep(now);
    const bucket = new TokenBucket(rate, now);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined && this.#buckets.size >= MAX_BUCKETS) this.#buckets.delete(oldest);
  }
}
