import { expect, test } from 'vitest';
import { createSampler } from '../../../../src/runtime/engines/sampler/sampler.ts';
import { deriveSeed, type Sampling } from '../../../../src/runtime/protocol/text.ts';

const OPEN: Sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, repeatPenalty: 1 };
const DRAWS = 20_000;
const LOGITS = [2.1, 1.9, 1.5, 1.2, 0.8, 0.3, 0, -0.2, -0.5, -1, -1.4].map(
  (logit, index): [number, number] => [index * 31 + 5, logit],
);
/** Chi-square with 10 degrees of freedom: exceeded with probability 0.001. */
const CRITICAL = 29.588;

function softmax(temperature: number): number[] {
  const weights = LOGITS.map(([, logit]) => Math.exp(logit / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function counts(sampling: Sampling, seed: string): number[] {
  const sampler = createSampler(sampling, deriveSeed(seed));
  const result = LOGITS.map(() => 0);
  for (let position = 0; position < DRAWS; position++) {
    const index = LOGITS.findIndex(([token]) => token === sampler.pick(LOGITS, position, []));
    result[index] = (result[index] ?? 0) + 1;
  }
  return result;
}

function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, count, index) => {
    const mean = (expected[index] ?? 0) * DRAWS;
    return sum + (count - mean) ** 2 / mean;
  }, 0);
}

test.each([0.7, 1, 1.6])(
  'over many positions the tokens are distributed as softmax at temperature %d',
  (temperature) => {
    const observed = counts({ ...OPEN, temperature }, `chi ${temperature}`);
    expect(chiSquare(observed, softmax(temperature))).toBeLessThan(CRITICAL);
  },
);

test('over many seeds at one position too', () => {
  const observed = LOGITS.map(() => 0);
  for (let seed = 0; seed < DRAWS; seed++) {
    const token = createSampler(OPEN, deriveSeed(`s${seed}`)).pick(LOGITS, 3, []);
    const index = LOGITS.findIndex(([candidate]) => candidate === token);
    observed[index] = (observed[index] ?? 0) + 1;
  }
  expect(chiSquare(observed, softmax(1))).toBeLessThan(CRITICAL);
});

test('the test tells a distribution apart that is off by 10 % in temperature', () => {
  expect(chiSquare(counts({ ...OPEN, temperature: 1.1 }, 'chi 1'), softmax(1))).toBeGreaterThan(CRITICAL);
});

test('neighbouring positions are independent', () => {
  const sampler = createSampler(OPEN, deriveSeed('pairs'));
  const [[first, a], [second, b]] = LOGITS as [[number, number], [number, number]];
  const pair: [number, number][] = [
    [first, a],
    [second, b],
  ];
  const p = Math.exp(a) / (Math.exp(a) + Math.exp(b));
  const picks = Array.from({ length: DRAWS }, (_, position) => sampler.pick(pair, position, []) === first);
  const both = picks.filter((pick, index) => pick && picks[index + 1] === true).length;
  // Within four standard deviations of the product.
  expect(Math.abs(both / DRAWS - p * p)).toBeLessThan(4 * Math.sqrt((p * p * (1 - p * p)) / DRAWS) * 1.5);
});
