import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gumbelNoise, uniform } from '../../../../src/runtime/engines/sampler/gumbel.ts';
import { deriveSeed } from '../../../../src/runtime/protocol/text.ts';

test('the uniform numbers lie strictly between 0 and 1, so that the noise is finite', () => {
  expect(uniform(0, 0)).toBe(2 ** -53);
  expect(uniform(0xffffffff, 0xffffffff)).toBe(1 - 2 ** -53);
  for (const u of [uniform(0, 0), uniform(0xffffffff, 0xffffffff)]) {
    expect(Number.isFinite(-Math.log(-Math.log(u)))).toBe(true);
  }
});

test('the noise is the same for the same seed, position and token, in whatever order it is asked for', () => {
  const noise = gumbelNoise(deriveSeed('order'));
  const position = fc.integer({ min: 0, max: 2 ** 40 });
  const token = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(position, token, position, token, (p, t, otherP, otherT) => {
      const first = noise(p, t);
      noise(otherP, otherT);
      expect(noise(p, t)).toBe(first);
      expect(gumbelNoise(deriveSeed('order'))(p, t)).toBe(first);
    }),
  );
});

test('seeds, positions (beyond 32 bits too) and tokens each have noise of their own', () => {
  const seen = new Set<number>();
  for (const seed of ['a', 'b'])
    for (const position of [0, 1, 2 ** 32, 2 ** 32 + 1])
      for (const token of [0, 1, 991]) seen.add(gumbelNoise(deriveSeed(seed))(position, token));
  expect(seen.size).toBe(24);
});

test('the noise has the mean and variance of the standard Gumbel distribution', () => {
  const noise = gumbelNoise(deriveSeed('moments'));
  const count = 40_000;
  const values = Array.from({ length: count }, (_, position) => noise(position, 7));
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  expect(mean).toBeCloseTo(0.5772, 1);
  expect(variance).toBeCloseTo(Math.PI ** 2 / 6, 1);
});
