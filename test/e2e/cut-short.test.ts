import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstOutput, ONE_THREAD, Sandbox, type Served, type ServedGrid } from '../support/aipg.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';
import { freePort } from '../support/free-port.ts';

// An operator, a worker that serves a model of its own, and a user who pays for it.

const ALLOWANCE = 10_000_000;

let operator: Sandbox;
let alice: Sandbox;
let bob: Sandbox;
let up: ServedGrid;
let worker: Served;

async function invited(home: Sandbox, ...invite: string[]): Promise<void> {
  const { stdout } = await operator.aipg(['grid', 'invite', ...invite]);
  expect(await home.aipg(['grid', 'join'], { input: stdout })).toMatchObject({ exitCode: 0 });
}

async function lines<T>(home: Sandbox, ...args: string[]): Promise<T[]> {
  const { stdout, stderr, exitCode } = await home.aipg([...args, '--json']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

beforeAll(async () => {
  [operator, alice, bob] = await Promise.all([Sandbox.create(), Sandbox.create(), Sandbox.create()]);
  const port = await freePort();
  await operator.aipg(['grid', 'init', 'home', '--url', `tls://127.0.0.1:${port}`]);
  // The director has the file, so that it counts by its vocabulary.
  const endless = await writeEndlessModel(operator.home);
  up = await operator.startUp(['--listen', `127.0.0.1:${port}`, '-m', endless, '--slots', '1']);
  await invited(alice, '--role', 'worker', '--account', 'alice');
  await invited(bob, '--role', 'user', '--account', 'bob');
  worker = alice.serve(['worker', '-m', endless, '--slots', '4', ...ONE_THREAD]);
  await worker.stderr.json(({ msg }) => msg === 'serving');
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await up[Symbol.asyncDispose]();
  for (const home of [operator, alice, bob]) await home[Symbol.asyncDispose]();
});

interface Entry {
  readonly kind: string;
  readonly job?: string;
  readonly counts: { readonly inputTokens: number; readonly outputTokens: number };
  readonly counted: string;
  readonly pay: number;
  readonly share: number;
  readonly freed: number;
}

interface Balance {
  readonly available: number;
  readonly reserved: number;
}

const words = LONG_JOB.slice(ONE_THREAD.length);

test('an answer that is interrupted costs what has come of it: the rest is freed, and the ledger is right', async () => {
  const run = bob.aipg(['gen', ...words]);
  await firstOutput(run);
  run.kill('SIGINT');
  const { stdout, stderr, exitCode } = await run;
  expect(exitCode).toBe(130);
  const told = /The (\d+) tokens that have come are paid for, and the prompt, unless/.exec(stderr);
  const came = Number(told?.[1]);
  expect(came).toBeGreaterThan(0);
  expect(stdout.length).toBeGreaterThan(0);

  await expect
    .poll(async () => (await lines<Balance>(bob, 'balance'))[0]?.reserved, { timeout: 5_000 })
    .toBe(0);
  const [settle] = await lines<Entry>(bob, 'ledger', 'log', '-n', '1');
  expect(settle).toMatchObject({ kind: 'settle', counted: 'text' });
  if (settle === undefined) return;
  // What was on its way when it was interrupted had been delivered, too, and tokens that are cut too small count for less.
  expect(settle.counts.outputTokens).toBeGreaterThan(came / 2);
  expect(settle.counts.outputTokens).toBeLessThan(1_600);
  expect(settle.pay).toBeGreaterThan(0);
  expect(settle.freed).toBeGreaterThan(0);
  const log = await bob.aipg(['ledger', 'log', '-n', '1']);
  expect(log.stdout).toMatch(
    new RegExp(`job ${settle.job}, ${settle.counts.outputTokens} tokens by \\S+ for 0\\.`),
  );
  const [balance] = await lines<Balance>(bob, 'balance');
  expect(balance).toMatchObject({ available: ALLOWANCE - settle.pay - settle.share });

  const jobs = await lines<{ job: string; status: string }>(bob, 'jobs');
  expect(jobs.find(({ job }) => job === settle.job)).toMatchObject({ status: 'cancelled' });
  const file = join(operator.home, 'ledger.jsonl');
  expect(await operator.aipg(['ledger', 'export', '-o', file])).toMatchObject({ exitCode: 0 });
  expect((await alice.aipg(['ledger', 'verify', file])).stdout).toMatch(
    /entries are right.* 1 signed receipts/,
  );
});

test('jobs cancel says that what was delivered is paid for', async () => {
  const { stdout } = await bob.aipg(['gen', '--detach', ...words]);
  const id = stdout.trim();
  expect(await bob.aipg(['jobs', 'cancel', id])).toMatchObject({
    exitCode: 0,
    stderr: `Cancelled ${id}.\nWhat was delivered until then is paid for, unless by your own worker: aipg ledger log\n`,
  });
});
