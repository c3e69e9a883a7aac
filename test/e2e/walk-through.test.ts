import { afterAll, beforeAll, expect, test } from 'vitest';
import { ONE_THREAD, Sandbox, type Served, type ServedGrid } from '../support/aipg.ts';
import { freePort } from '../support/free-port.ts';

// The walk-through of docs/operating.md, with a home for each of the three.

let operator: Sandbox;
let alice: Sandbox;
let bob: Sandbox;
/** Where Alice asks, with another key of her account. */
let laptop: Sandbox;
let up: ServedGrid;
let worker: Served;
let workerId: string;

async function invited(home: Sandbox, ...invite: string[]): Promise<void> {
  const { stdout } = await operator.aipg(['grid', 'invite', ...invite]);
  const joined = await home.aipg(['grid', 'join'], { input: stdout });
  expect(joined).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('Its CA has the fingerprint'),
  });
}

async function json<T>(home: Sandbox, ...args: string[]): Promise<T> {
  const { stdout, stderr } = await home.aipg([...args, '--json']);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as T;
}

beforeAll(async () => {
  [operator, alice, bob, laptop] = await Promise.all([
    Sandbox.create(),
    Sandbox.create(),
    Sandbox.create(),
    Sandbox.create(),
  ]);
  const port = await freePort();
  await operator.aipg(['grid', 'init', 'home', '--url', `tls://127.0.0.1:${port}`]);
  up = await operator.startUp(['--listen', `127.0.0.1:${port}`, '--slots', '1']);
  await invited(alice, '--role', 'worker', '--account', 'alice');
  await invited(bob, '--role', 'user', '--account', 'bob', '--expires', '30d');
  await invited(laptop, '--role', 'user', '--account', 'alice');
  worker = alice.serve(['worker', ...ONE_THREAD]);
  workerId = (await worker.stderr.json<{ worker: string }>(({ msg }) => msg === 'serving')).worker;
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await up[Symbol.asyncDispose]();
  for (const home of [operator, alice, bob, laptop]) await home[Symbol.asyncDispose]();
});

test('the operator invites a worker and a user; the user asks, the worker serves and earns, both see it', async () => {
  const prompts = Array.from({ length: 12 }, (_, seed) =>
    JSON.stringify({ prompt: 'Tell me a story about a fox.', seed }),
  );
  const batch = await bob.aipg(['gen', '--batch', '-', '--max-tokens', '24'], { input: prompts.join('\n') });
  expect(batch).toMatchObject({ exitCode: 0 });
  const answers = batch.stdout.trim().split('\n');
  expect(answers).toHaveLength(prompts.length);
  // Two workers with five slots: the one of the operator alone has one.
  expect(batch.stdout).toContain(workerId);

  const jobs = (await bob.aipg(['jobs', '--json'])).stdout.trim().split('\n');
  expect(jobs).toHaveLength(prompts.length);
  const { workers } = await json<{ workers: { worker: string }[] }>(bob, 'status');
  expect(workers.map((each) => each.worker)).toContain(workerId);

  interface Earned {
    total: { earned: number; jobs: number };
    unsettled: number;
  }
  // Results are settled a moment after they are written.
  await expect.poll(async () => (await json<Earned>(bob, 'earnings')).unsettled, { timeout: 20_000 }).toBe(0);
  const [hers, theirs] = await Promise.all([
    json<Earned>(alice, 'earnings'),
    json<Earned>(operator, 'earnings'),
  ]);
  expect(hers.total.jobs).toBeGreaterThan(0);
  expect(hers.total.jobs + theirs.total.jobs).toBe(prompts.length);
  const { available } = await json<{ available: number }>(bob, 'balance');
  expect(available).toBe(10_000_000 - hers.total.earned - theirs.total.earned);

  // Names are known where the operator's keys are; elsewhere an account goes by its id.
  const { account: herId } = await json<{ account: string }>(alice, 'balance');
  const issued = await operator.aipg(['credits', 'issue', 'alice', '2']);
  expect(issued.stderr).toContain(`2 credits were issued to alice (${herId}), which has`);
  const slip = await bob.aipg(['credits', 'transfer', 'alice', '1']);
  expect(slip).toMatchObject({
    exitCode: 5,
    stderr: expect.stringContaining('has not seen an account alice'),
  });
  const insists = await bob.aipg(['credits', 'transfer', 'alice', '1', '--new']);
  expect(insists).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('knows no account named alice'),
  });
  const given = await bob.aipg(['credits', 'transfer', herId, '1']);
  expect(given).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`1 credits went to ${herId}`) });

  const { stdout } = await operator.aipg(['grid', 'keys']);
  expect(stdout).toMatch(new RegExp(`worker +alice +${workerId}`));
  expect(stdout).toMatch(/user +bob +a[0-9a-z]{20}/);
  // Nobody but the operator and themselves learns the names.
  const said = worker.stderr.all.join('\n') + batch.stdout + jobs.join('\n');
  expect(said).not.toMatch(/\b(?:alice|bob)\b/);
});

test('who has a worker is served by it and not by others, and pays nothing', async () => {
  const before = await json<{ available: number }>(laptop, 'balance');
  const prompts = Array.from({ length: 8 }, (_, seed) =>
    JSON.stringify({ prompt: 'Once upon a time', seed }),
  );
  const batch = await laptop.aipg(['gen', '--batch', '-', '--max-tokens', '24'], {
    input: prompts.join('\n'),
  });
  expect(batch).toMatchObject({ exitCode: 0 });
  const answers = batch.stdout.trim().split('\n');
  const workers = answers.map((line) => (JSON.parse(line) as { worker: string }).worker);
  expect(workers).toEqual(prompts.map(() => workerId));
  await expect
    .poll(async () => (await json<{ unsettled: number }>(laptop, 'earnings')).unsettled, { timeout: 20_000 })
    .toBe(0);
  // Her account's first jobs, with which comes the allowance.
  const { available } = await json<{ available: number }>(laptop, 'balance');
  expect(available).toBe(before.available + 10_000_000);
});
