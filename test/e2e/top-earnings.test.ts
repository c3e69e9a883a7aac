import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ONE_THREAD, Sandbox, type ServedGrid } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';
import { freePort } from '../support/free-port.ts';

const JOB = ['gen', 'Tell me a story about a fox.', '--seed', '7', '--max-tokens', '24'];

let operator: Sandbox;
let bob: Sandbox;
let up: ServedGrid;

/** A home that has joined by an invitation. */
async function joined(...invite: string[]): Promise<Sandbox> {
  const { stdout } = await operator.aipg(['grid', 'invite', ...invite]);
  const home = await Sandbox.create();
  expect(await home.aipg(['grid', 'join'], { input: stdout })).toMatchObject({ exitCode: 0 });
  return home;
}

beforeAll(async () => {
  operator = await Sandbox.create();
  const port = await freePort();
  const init = ['grid', 'init', 'home', '--url', `nats://127.0.0.1:${port}`];
  expect(await operator.aipg(init)).toMatchObject({ exitCode: 0 });
  // Credits are on where others may join; the operator's account is paid for what its worker does.
  up = await operator.startUp(['--listen', `127.0.0.1:${port}`]);
  bob = await joined('--role', 'user', '--account', 'bob');
  const price = ['models', 'price', 'aipg-tiny', '--input', '1', '--output', '1000'];
  expect(await operator.aipg(price)).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await up[Symbol.asyncDispose]();
  await bob[Symbol.asyncDispose]();
  await operator[Symbol.asyncDispose]();
});

interface Told {
  readonly scope: string;
  readonly earnings: {
    readonly state: string;
    readonly account: string;
    readonly today: number;
    readonly total: { readonly jobs: number };
    readonly receipts: readonly { readonly job: string; readonly earned: number }[];
  };
  readonly models?: readonly object[];
  readonly workers?: readonly { readonly earned?: number }[];
}

async function told(home: Sandbox): Promise<Told> {
  const { stdout, stderr, exitCode } = await home.aipg(['top', '--json']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as Told;
}

describe('on a grid with credits', () => {
  test('the receipt of a job that is paid ticks in while the earnings are open', async () => {
    await using terminal = await Terminal.open(operator);
    const ended = await terminal.start('aipg top --view earnings');
    await terminal.until(/in all +0\.000000 +0 jobs[\s\S]*Nothing in 7 days[\s\S]*No receipt yet/);
    expect(await bob.aipg(JOB)).toMatchObject({ exitCode: 0 });
    // The receipt is pushed; what it comes to is asked.
    await terminal.until(/SETTLED[\s\S]*\d\d:\d\d:\d\d aipg-tiny [^\n]* 24 +0\.02\d{4}/);
    const screen = await terminal.until(/in all +0\.02\d{4} +1 jobs[\s\S]*aipg-tiny +1 +24 +0\.02\d{4}/);
    expect(screen).toMatch(/today +0\.02\d{4} [\s\S]*█+ +0\.02\d{4}\n/);
    await terminal.press('3');
    await terminal.until(/EARNED\n▸ [^\n]* 0\.02\d{4}\n/);
    await terminal.press('4');
    await terminal.until(/PROMPT\/M +OUTPUT\/M\n▸ aipg-tiny [^\n]* 1\.000000 +1000\.00\n/);
    await terminal.press('Enter');
    await terminal.until(
      /price +1\.000000 credits a million tokens of prompt, 1000\.00 of output\s+set by an operator/,
    );
    await terminal.press('q');
    expect((await ended()).status).toBe(0);
  });

  test('--json and --once have the same figures', async () => {
    const { scope, earnings, models } = await told(operator);
    const { receipts, today } = earnings;
    expect({ scope, state: earnings.state, jobs: earnings.total.jobs }).toEqual({
      scope: 'grid',
      state: 'known',
      jobs: 1,
    });
    expect(receipts).toHaveLength(1);
    expect(today).toBe(receipts[0]?.earned);
    expect(models).toMatchObject([
      { name: 'aipg-tiny', price: { input: 1_000_000, output: 1_000_000_000, basis: 'set' } },
    ]);
    const { stdout } = await operator.aipg(['top', '--once', '--view', 'earnings']);
    expect(stdout).toMatch(/today +0\.02\d{4}/);
    expect(stdout).toContain((today / 1e6).toFixed(6));
  });
});

describe('keys that may not see the whole grid', () => {
  test("a volunteer's shows what its account earns, and no more", async () => {
    await using alice = await joined('--role', 'worker', '--account', 'alice');
    await using worker = alice.serve(['worker', ...ONE_THREAD]);
    await worker.stderr.json(({ msg }) => msg === 'serving');
    const { scope, earnings, workers } = await told(alice);
    expect({ scope, state: earnings.state, workers }).toEqual({ scope: 'account', state: 'known' });
    await using terminal = await Terminal.open(alice);
    const ended = await terminal.start('aipg top');
    await terminal.until(/5 earnings[\s\S]*in all +0\.000000 +0 jobs/);
    await terminal.press('3');
    await terminal.until(/The whole grid is for its operator to see/);
    await terminal.press('5');
    // Nothing tells it of a change: it asks again by itself.
    expect(await operator.aipg(['credits', 'issue', earnings.account, '5'])).toMatchObject({ exitCode: 0 });
    await terminal.until(/available +5\.000000/);
    await terminal.press('q');
    expect((await ended()).status).toBe(0);
    const once = await alice.aipg(['top', '--once']);
    expect(once).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('--view earnings') });
  });

  test("a user's shows what its account has left", async () => {
    const { stdout } = await bob.aipg(['top', '--once', '--view', 'earnings']);
    expect(stdout).toMatch(/available +9\.97\d{4}/);
  });

  test('a monitor’s has no account to show, and says so', async () => {
    await using monitor = await joined('--role', 'monitor');
    await using terminal = await Terminal.open(monitor);
    const ended = await terminal.start('aipg top');
    await terminal.until(/key of a monitor, which has no credits/);
    await terminal.press('q');
    expect((await ended()).status).toBe(0);
    const json = await monitor.aipg(['top', '--json']);
    expect(json).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('aipg status') });
  });

  test("a director's may watch, and is told that it may not drain", async () => {
    await using director = await joined('--role', 'director');
    await using terminal = await Terminal.open(director);
    const ended = await terminal.start('aipg top --view workers');
    await terminal.until(/by rate[\s\S]*▸ \S+ +serving/);
    await terminal.press('d');
    await terminal.until(/Drain \S+\? It ends its jobs/);
    await terminal.press('y');
    await terminal.until(/key of a director, which may not do this/);
    await terminal.press('j');
    await terminal.until(/▸ \S+ +serving[\s\S]*Enter details/);
    await terminal.press('q');
    await ended();
  });
});
