import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox, type ServedGrid, TINY_MODEL } from '../support/aipg.ts';

let home: Sandbox;
let up: ServedGrid;
beforeAll(async () => {
  home = await Sandbox.create();
  up = await home.startUp(['--credits']);
  // Answered as soon as the director knows the worker, and what its model costs.
  await home.aipg(['quote', 'x']);
}, 60_000);
afterAll(async () => {
  await up?.stop();
  await home?.[Symbol.asyncDispose]();
});

const json = async (...args: string[]) => {
  const run = await home.aipg([...args, '--json']);
  expect(run).toMatchObject({ exitCode: 0 });
  return JSON.parse(run.stdout);
};

describe('aipg models price', () => {
  test('shows the rate card of the grid', async () => {
    const card = await home.aipg(['models', 'price']);
    expect(card).toMatchObject({ exitCode: 0, stderr: '' });
    expect(card.stdout).toMatch(
      /^MODEL +PROMPT +OUTPUT +BASIS +SHA256\naipg-tiny +0\.000041 +0\.00072 +header /,
    );
    expect((await json('models', 'price', '--grid', up.url, 'tiny')).prices).toHaveLength(1);
    expect((await json('models', 'price', '--grid', up.url, 'other')).prices).toEqual([]);
  });

  test('tells what a file would cost, by its header, with no grid at all', async () => {
    await using alone = await Sandbox.create();
    const run = await alone.aipg(['models', 'price', TINY_MODEL, '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({
      path: TINY_MODEL,
      work: { input: 403_420, output: 7_198_940 },
      rates: { input: 41, output: 720 },
    });
    expect(await alone.aipg(['models', 'price'])).toMatchObject({ exitCode: 4 });
  });

  test.each([
    [['--input', '1'], /--output/],
    [['--input', '1', '--output', '2'], /none is named/],
    [['aipg-tiny', '--input', '-1', '--output', '2'], /amount of credits/],
    [['aipg-tiny', '--input', '1', '--output', '0.0000001'], /amount of credits/],
  ])('refuses %j', async (args, message) => {
    expect(await home.aipg(['models', 'price', ...args])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(message),
    });
  });
});

describe('a quote', () => {
  test('is the same from aipg quote and from aipg gen --dry-run, and nothing runs', async () => {
    const words = ['-n', '100', '--tier', 'bulk', 'What is 3 + 4?'];
    const quote = await json('quote', ...words);
    expect(quote).toEqual(await json('gen', '--dry-run', ...words));
    expect(quote).toMatchObject({
      model: 'aipg-tiny',
      slots: 4,
      available: 10_000_000,
      cost: { most: 1, tokens: { output: 100 }, multiplier: 0.5, basis: 'header' },
    });
    expect((await home.aipg(['jobs', '--json'])).stdout).toBe('');
    expect((await home.aipg(['quote', 'x'])).stdout).toContain('at most 0.000001 credits');
  });

  test('of this process costs nothing', async () => {
    expect(await json('quote', '--grid', 'local', 'x')).toMatchObject({ grid: 'local', cost: null });
    const dry = await home.aipg(['gen', '--dry-run', '--grid', 'local', 'x']);
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('cost nothing') });
  });
});

describe('an operator’s price', () => {
  beforeAll(async () => {
    const set = ['models', 'price', 'aipg-tiny', '--input', '1', '--output', '2'];
    const { rates, basis } = await json(...set);
    expect({ rates, basis }).toEqual({ rates: { input: 1_000_000, output: 2_000_000 }, basis: 'set' });
  });

  test('is what --json tells of an answer, at most', async () => {
    const { cost, tokens } = await json('gen', '-n', '20', 'What is 3 + 4?');
    expect(cost.atMost).toBe(tokens.prompt + 2 * tokens.output);
    expect(cost.reserved).toBeGreaterThanOrEqual(cost.atMost);
    const stats = await home.aipg(['gen', '--stats', '-n', '20', 'What is 3 + 4?']);
    expect(stats.stderr).toMatch(/at most 0\.0000\d+ credits/);
    const local = await json('gen', '--grid', 'local', '-n', '20', 'What is 3 + 4?');
    expect(local.cost).toBeNull();
  });

  test('is too much for a smaller --max-price, of a job, a dry run and a quote', async () => {
    for (const args of [['gen'], ['gen', '--dry-run'], ['quote']]) {
      const refused = await home.aipg([...args, '--max-price', '0.0001', 'What is 3 + 4?']);
      expect(refused).toMatchObject({
        exitCode: 5,
        stdout: '',
        stderr: expect.stringContaining('more than the 0.0001'),
      });
    }
    expect(await home.aipg(['gen', '--max-price', '1', 'What is 3 + 4?'])).toMatchObject({ exitCode: 0 });
  });

  test('holds in a batch: for all lines, or for one', async () => {
    const lines = ['{"prompt":"What is 3 + 4?"}', '{"prompt":"What is 3 + 4?","maxPrice":"0.0001"}'];
    const run = await home.aipg(['gen', '--batch', '-', '--max-price', '1', '-n', '20'], {
      input: lines.join('\n'),
    });
    const [answered, refused] = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answered).toMatchObject({ index: 0, text: expect.any(String) });
    expect(refused).toMatchObject({ index: 1, error: { code: 'job-refused' } });
    expect(run.exitCode).toBe(5);
  });
});

test('a grid without credits quotes nothing, and has no prices to set', async () => {
  await using free = await Sandbox.create();
  await using grid = await free.startUp();
  expect((await free.aipg(['models', 'price'])).stdout).toContain('no credits');
  expect((await free.aipg(['quote', 'x'])).stdout).toContain('nothing: this grid has no credits');
  const { cost } = JSON.parse((await free.aipg(['gen', '--json', '--max-price', '0', 'x'])).stdout);
  expect(cost).toBeNull();
  const set = await free.aipg(['models', 'price', 'aipg-tiny', '--input', '1', '--output', '2']);
  expect(set).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('aipg up --credits') });
  await grid.stop();
}, 60_000);
