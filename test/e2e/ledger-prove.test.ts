import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox, type ServedWorker } from '../support/aipg.ts';
import { TestGrid } from '../support/grid.ts';

// A grid whose director has its clock from this test: a day is over when the test says so.

const DAY_MS = 24 * 60 * 60 * 1_000;
let behindMs = DAY_MS;

let grid: TestGrid;
let asker: Sandbox;
let owner: Sandbox;
/** Somebody who has no grid at all. */
let stranger: Sandbox;
let worker: ServedWorker;

beforeAll(async () => {
  grid = await TestGrid.start({ credits: true, now: () => Date.now() - behindMs });
  [asker, owner, stranger] = await Promise.all([Sandbox.create(), Sandbox.create(), Sandbox.create()]);
  await asker.aipg(['grid', 'add', 'home', grid.bus.url, '--account', 'alice']);
  await owner.aipg(['grid', 'add', 'home', grid.bus.url]);
  worker = await owner.startWorker(grid.bus.url);
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  for (const home of [asker, owner, stranger]) await home[Symbol.asyncDispose]();
  await grid[Symbol.asyncDispose]();
});

async function json<T>(home: Sandbox, ...args: string[]): Promise<T> {
  const { stdout, stderr, exitCode } = await home.aipg([...args, '--json']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as T;
}

interface Settled {
  readonly kind: string;
  readonly job: string;
  readonly pay: number;
  readonly at: number;
  readonly receiptSha256: string;
}

const newest = () => json<Settled>(owner, 'ledger', 'log', '-n', '1');

test('what a worker was paid on a day that is over is proved to who holds the root of that day alone', async () => {
  await json(asker, 'gen', '--max-tokens', '12', 'Tell me a story about a fox.');
  await expect.poll(async () => (await newest()).kind, { timeout: 20_000 }).toBe('settle');
  const { job, pay, at, receiptSha256 } = await newest();
  const day = new Date(at).toISOString().slice(0, 10);
  expect(pay).toBeGreaterThan(0);
  const early = await owner.aipg(['ledger', 'prove', job]);
  expect(early).toMatchObject({ exitCode: 5, stdout: '' });
  expect(early.stderr).toContain(`${day} has no root yet`);

  // Midnight.
  behindMs = 0;
  await json(asker, 'gen', '--max-tokens', '1', 'And of an owl.');
  const { roots } = await json<{ roots: { day: string; root: string; count: number }[] }>(
    owner,
    'ledger',
    'root',
  );
  const published = roots.find((each) => each.day === day);
  if (!published) throw new Error(`There is no root of ${day}.`);

  const proof = await owner.aipg(['ledger', 'prove', job]);
  expect(proof).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await owner.aipg(['ledger', 'prove', receiptSha256])).stdout).toBe(proof.stdout);
  const file = join(stranger.home, 'proof.json');
  await writeFile(file, proof.stdout);

  const verified = await stranger.aipg(['ledger', 'verify', file, '--root', published.root]);
  expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
  const credits = pay / 1_000_000;
  expect(verified.stdout).toBe(
    `The proof holds: local was paid ${credits} credits for job ${job}, on ${day}, by the root that you gave.\nRoot: ${published.root}\n`,
  );

  const [first = '', ...rest] = published.root;
  const other = [first === '0' ? '1' : '0', ...rest].join('');
  const wrongRoot = await stranger.aipg(['ledger', 'verify', file, '--root', other]);
  expect(wrongRoot).toMatchObject({ exitCode: 1, stdout: '' });
  expect(wrongRoot.stderr).toContain('not to the one that you trust');

  const raised = join(stranger.home, 'raised.json');
  await writeFile(raised, proof.stdout.replaceAll(`"pay": ${pay},`, `"pay": ${pay + 1},`));
  const forged = await stranger.aipg(['ledger', 'verify', raised, '--root', published.root]);
  expect(forged).toMatchObject({ exitCode: 1, stdout: '' });

  // The whole ledger holds, too, with its root.
  const whole = await owner.aipg(['ledger', 'verify']);
  expect(whole.stdout).toContain('1 daily roots');
});
