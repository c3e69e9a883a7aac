import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from '../../../../src/runtime/director/policy/token-bucket.ts';

const rates = fc.record({
  perMinute: fc.integer({ min: 1, max: 5_000 }),
  burst: fc.integer({ min: 1, max: 500 }),
});
/** Milliseconds since the last request, and what is asked for. */
const requests = fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 600 })), {
  minLength: 1,
  maxLength: 60,
});

describe('a token bucket', () => {
  test('lets through, in any span of time, no more than its burst and what the span has filled', () => {
    fc.assert(
      fc.property(rates, requests, (rate, asked) => {
        const bucket = new TokenBucket(rate, 0);
        const taken: { at: number; tokens: number }[] = [];
        let now = 0;
        for (const [pause, tokens] of asked) {
          now += pause;
          if (bucket.take(tokens, now)) taken.push({ at: now, tokens });
        }
        for (const [first, { at: from }] of taken.entries()) {
          let sum = 0;
          for (const { at, tokens } of taken.slice(first)) {
            sum += tokens;
            expect(sum * 60_000).toBeLessThanOrEqual(rate.burst * 60_000 + rate.perMinute * (at - from));
          }
        }
      }),
    );
  });

  test('says the exact wait: one millisecond sooner is too soon', () => {
    fc.assert(
      fc.property(rates, requests, (rate, asked) => {
        const bucket = new TokenBucket(rate, 0);
        let now = 0;
        for (const [pause, tokens] of asked) {
          now += pause;
          const wait = bucket.waitMs(tokens, now);
          if (wait === Number.POSITIVE_INFINITY) {
            expect(tokens).toBeGreaterThan(rate.burst);
            continue;
          }
          if (wait > 0) expect(bucket.take(tokens, now + wait - 1)).toBe(false);
          now += wait;
          expect(bucket.take(tokens, now)).toBe(true);
        }
      }),
    );
  });

  test('gives all of its rate to who asks all the time', () => {
    fc.assert(
      fc.property(
        rates.filter(({ burst }) => burst > 1),
        (rate) => {
          const bucket = new TokenBucket(rate, 0);
          let through = 0;
          for (let now = 0; now <= 60_000; now += 1) if (bucket.take(1, now)) through += 1;
          expect(through).toBe(rate.burst + rate.perMinute);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('gives nothing for a clock that is set back', () => {
    const bucket = new TokenBucket({ perMinute: 60, burst: 1 }, 1_000_000);
    expect(bucket.take(1, 1_000_000)).toBe(true);
    expect(bucket.take(1, 0)).toBe(false);
    expect(bucket.take(1, 1_000_999)).toBe(false);
    expect(bucket.take(1, 1_001_000)).toBe(true);
  });

  test('keeps what was taken when its rate changes', () => {
    const bucket = new TokenBucket({ perMinute: 60, burst: 10 }, 0);
    expect(bucket.take(10, 0)).toBe(true);
    bucket.change({ perMinute: 60, burst: 100 }, 0);
    expect(bucket.take(1, 0)).toBe(false);
    bucket.change({ perMinute: 60, burst: 2 }, 60_000);
    expect(bucket.take(3, 60_000)).toBe(false);
    expect(bucket.take(2, 60_000)).toBe(true);
  });
});
