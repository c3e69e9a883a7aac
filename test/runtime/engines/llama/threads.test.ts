import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLlamaEngine } from '../../../../src/runtime/engines/llama/engine.ts';
import { rememberedThreads } from '../../../../src/runtime/engines/llama/thread-cache.ts';
import { chooseThreads, threadCounts } from '../../../../src/runtime/engines/llama/thread-choice.ts';
import { load, modelFile, TINY_F16, temporaryDirectory } from './support.ts';

/** Chooses with rates by count and a clock that every measurement moves on. */
async function choose(rates: Record<number, number>, { cores = 8, cost = 10 } = {}) {
  const measured: number[] = [];
  let clock = 0;
  const threads = await chooseThreads({
    cores,
    budgetMs: 1_000,
    now: () => clock,
    measure: async (count) => {
      measured.push(count);
      clock += cost;
      return rates[count] ?? 0;
    },
  });
  return { threads, measured };
}

describe('the trial', () => {
  test('tries 1, 2, 4 … and the number of cores', () => {
    expect([1, 2, 3, 6, 8].map(threadCounts)).toEqual([[1], [1, 2], [1, 2, 3], [1, 2, 4, 6], [1, 2, 4, 8]]);
  });

  test('takes the fastest', async () => {
    expect(await choose({ 1: 100, 2: 190, 4: 350, 8: 500 })).toEqual({
      threads: 8,
      measured: [1, 2, 1, 4, 2, 8, 4],
    });
  });

  test('stops when it gets clearly worse', async () => {
    expect(await choose({ 1: 2_100, 2: 73 })).toEqual({ threads: 1, measured: [1, 2] });
  });

  test('keeps the smaller count where the larger is hardly better', async () => {
    expect(await choose({ 1: 100, 2: 180, 4: 190, 8: 185 })).toEqual({
      threads: 2,
      measured: [1, 2, 1, 4, 8],
    });
  });

  test('asks the smaller count again before it gives way, as something may have held it up', async () => {
    const rates = [20, 90, 100];
    const threads = await chooseThreads({
      cores: 2,
      budgetMs: 1_000,
      measure: async () => rates.shift() ?? 0,
    });
    expect(threads).toBe(1);
  });

  test('ends within its budget; a model that used it up at one thread gets all cores', async () => {
    expect(await choose({ 1: 10, 2: 20, 4: 39 }, { cost: 600 })).toEqual({ threads: 2, measured: [1, 2] });
    expect(await choose({ 1: 0.5 }, { cost: 2_000 })).toEqual({ threads: 8, measured: [1] });
  });
});

describe('what was measured', () => {
  test('is remembered by its key', async () => {
    const cacheDir = temporaryDirectory();
    expect(await rememberedThreads(cacheDir, 'a', async () => 3)).toBe(3);
    expect(await rememberedThreads(cacheDir, 'b', async () => 5)).toBe(5);
    const never = () => Promise.reject(new Error('measured again'));
    expect(await rememberedThreads(cacheDir, 'a', never)).toBe(3);
    expect(await rememberedThreads(cacheDir, 'b', never)).toBe(5);
  });

  test.each([
    '',
    '{"threads":',
    '[]',
    '{"threads":{"a":0}}',
    '{"threads":{"a":"4"}}',
    '{"threads":{"a":1.5}}',
  ])('is measured again where the file is corrupted: %s', async (content) => {
    const cacheDir = temporaryDirectory();
    writeFileSync(join(cacheDir, 'threads.json'), content);
    expect(await rememberedThreads(cacheDir, 'a', async () => 2)).toBe(2);
    expect(await rememberedThreads(cacheDir, 'a', async () => 9)).toBe(2);
  });

  test('a cache directory that cannot be written costs nothing but the next trial', async () => {
    const cacheDir = join(TINY_F16, 'not-a-directory');
    expect(await rememberedThreads(cacheDir, 'a', async () => 2)).toBe(2);
  });
});

test('a load without threads measures, uses what it found, and remembers it for this model and number of slots', async () => {
  const cacheDir = temporaryDirectory();
  const options = { slots: 2, cacheDir };
  await using first = await createLlamaEngine().load(modelFile(TINY_F16), options);
  const { threads } = JSON.parse(readFileSync(join(cacheDir, 'threads.json'), 'utf8'));
  const [[key, count]] = Object.entries(threads) as [[string, number]];
  expect(key).toContain(`|${modelFile(TINY_F16).sha256}|2`);
  expect(first.threads).toBe(count);

  writeFileSync(join(cacheDir, 'threads.json'), JSON.stringify({ threads: { [key]: count + 2 } }));
  await using second = await createLlamaEngine().load(modelFile(TINY_F16), options);
  expect(second.threads).toBe(count + 2);
});

test('threads that are asked for are used, more than there are cores too', async () => {
  expect((await load({ threads: 7 })).threads).toBe(7);
});
