import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSampler } from '../../../../src/runtime/engines/sampler/sampler.ts';
import { deriveSeed, type Sampling, samplingSchema } from '../../../../src/runtime/protocol/text.ts';
import { referencePick } from './reference.ts';

const OPEN: Sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, repeatPenalty: 1 };

const samplings = fc.record({
  temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.05, max: 5, noNaN: true })),
  topK: fc.integer({ min: 0, max: 80 }),
  topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
  minP: fc.double({ min: 0, max: 1, noNaN: true }),
  repeatPenalty: fc.double({ min: 1, max: 3, noNaN: true }),
});
/** Up to 100 tokens; integers make ties. An engine's logits have 32 bits. */
const logits = fc.uniqueArray(
  fc.tuple(
    fc.integer({ min: 0, max: 300_000 }),
    fc.oneof(fc.integer({ min: -5, max: 5 }), fc.float({ min: -30, max: 30, noNaN: true })),
  ),
  { selector: ([token]) => token, minLength: 1, maxLength: 100 },
);
const seeds = fc.string().map(deriveSeed);
const positions = fc.nat(200_000);
const histories = fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 200 });

describe('the sampler', () => {
  test('picks what its definition says', () => {
    fc.assert(
      fc.property(
        logits,
        samplings,
        seeds,
        positions,
        histories,
        (candidates, sampling, seed, position, others) => {
          const history = [...others, ...candidates.slice(0, 5).map(([token]) => token)];
          expect(createSampler(sampling, seed).pick(candidates, position, history)).toBe(
            referencePick(candidates, sampling, seed, position, history),
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  test('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(
        logits,
        fc.infiniteStream(fc.nat()),
        samplings,
        seeds,
        positions,
        (candidates, keys, ...rest) => {
          const [sampling, seed, position] = rest;
          const shuffled = candidates.map((candidate) => ({ candidate, key: Number(keys.next().value) }));
          shuffled.sort((a, b) => a.key - b.key);
          const sampler = createSampler(sampling, seed);
          expect(
            sampler.pick(
              shuffled.map(({ candidate }) => candidate),
              position,
              [],
            ),
          ).toBe(sampler.pick(candidates, position, []));
        },
      ),
    );
  });

  test('keeps no state: positions in any order, and a new sampler, give the same tokens', () => {
    const candidates = Array.from({ length: 64 }, (_, token): [number, number] => [
      token,
      Math.sin(token) * 3,
    ]);
    const forward = createSampler(OPEN, deriveSeed('state'));
    const backward = createSampler(OPEN, deriveSeed('state'));
    const picks = Array.from({ length: 200 }, (_, position) => forward.pick(candidates, position, []));
    for (let position = 199; position >= 0; position--) {
      expect(backward.pick(candidates, position, [])).toBe(picks[position]);
    }
    expect(new Set(picks).size).toBeGreaterThan(20);
  });

  test('is greedy at temperature 0, and as the temperature falls to 0', () => {
    fc.assert(
      fc.property(logits, seeds, positions, (candidates, seed, position) => {
        const greedy = createSampler({ ...OPEN, temperature: 0 }, seed).pick(candidates, position, []);
        const best = Math.max(...candidates.map(([, logit]) => logit));
        const tied = candidates.filter(([, logit]) => logit === best).map(([token]) => token);
        expect(greedy).toBe(Math.min(...tied));
        const cold = createSampler({ ...OPEN, temperature: Number.MIN_VALUE }, seed).pick(
          candidates,
          position,
          [],
        );
        expect(tied).toContain(cold);
      }),
    );
  });

  test('sees the 64 likeliest candidates and no more', () => {
    const sampler = createSampler({ ...OPEN, temperature: 5 }, deriveSeed('cut'));
    const candidates = Array.from({ length: 200 }, (_, token): [number, number] => [token, -token / 1_000]);
    const picks = new Set(
      Array.from({ length: 3_000 }, (_, position) => sampler.pick(candidates, position, [])),
    );
    expect(Math.max(...picks)).toBe(63);
    expect(picks.size).toBe(64);
  });

  test('passes over logits that are not finite, and refuses when there is no other', () => {
    const sampler = createSampler(OPEN, deriveSeed('nan'));
    expect(
      sampler.pick(
        [
          [1, Number.NaN],
          [2, Number.NEGATIVE_INFINITY],
          [3, -50],
        ],
        0,
        [],
      ),
    ).toBe(3);
    expect(() => sampler.pick([[1, Number.NaN]], 0, [])).toThrow('no finite logit');
  });
});

describe('truncation', () => {
  /** Probabilities 1/2, 1/4, 1/8 … at temperature 1. */
  const halves = Array.from({ length: 20 }, (_, token): [number, number] => [token, -token * Math.LN2]);
  const picked = (sampling: Partial<Sampling>, history: readonly number[] = []) => {
    const sampler = createSampler({ ...OPEN, ...sampling }, deriveSeed('truncation'));
    const picks = Array.from({ length: 4_000 }, (_, position) => sampler.pick(halves, position, history));
    return [...new Set(picks)].sort((a, b) => a - b);
  };

  test('top-k keeps the k likeliest, and 0 all', () => {
    expect(picked({ topK: 3 })).toEqual([0, 1, 2]);
    expect(picked({ topK: 1 })).toEqual([0]);
    expect(picked({ topK: 0 }).length).toBeGreaterThan(9);
  });

  test('top-p keeps the fewest that reach p, at least one', () => {
    expect(picked({ topP: 0.74 })).toEqual([0, 1]);
    expect(picked({ topP: 0.76 })).toEqual([0, 1, 2]);
    expect(picked({ topP: 0.01 })).toEqual([0]);
  });

  test('top-p counts among what top-k has left', () => {
    expect(picked({ topK: 2, topP: 0.66 })).toEqual([0]);
    expect(picked({ topK: 2, topP: 0.67 })).toEqual([0, 1]);
  });

  test('min-p keeps those at least p times as likely as the likeliest', () => {
    expect(picked({ minP: 0.24 })).toEqual([0, 1, 2]);
    expect(picked({ minP: 0.26 })).toEqual([0, 1]);
    expect(picked({ minP: 1 })).toEqual([0]);
  });

  test('truncation looks at the distribution after the temperature', () => {
    expect(picked({ temperature: 0.5, minP: 0.24 })).toEqual([0, 1]);
    expect(picked({ temperature: 2, minP: 0.24 })).toEqual([0, 1, 2, 3, 4]);
  });

  test('the repeat penalty weighs on the last 64 tokens only, once each', () => {
    const greedy = (history: number[]) =>
      createSampler({ ...OPEN, temperature: 0, repeatPenalty: 1.5 }, deriveSeed('')).pick(
        [
          [1, 3],
          [2, 2.5],
          [3, -1],
        ],
        0,
        history,
      );
    const others = Array.from({ length: 63 }, () => 9);
    expect(greedy([])).toBe(1);
    expect(greedy([1, ...others])).toBe(2);
    expect(greedy([1, 9, ...others])).toBe(1);
    expect(greedy([1, 1, 1, 2])).toBe(1);
    expect(samplingSchema.parse({}).repeatPenalty).toBe(1);
  });

  test('the repeat penalty makes negative logits more negative', () => {
    const sampler = createSampler({ ...OPEN, temperature: 0, repeatPenalty: 2 }, deriveSeed(''));
    expect(
      sampler.pick(
        [
          [1, -1],
          [2, -1.5],
        ],
        0,
        [1],
      ),
    ).toBe(2);
  });
});
