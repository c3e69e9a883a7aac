import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox, type ServedGrid } from '../support/aipg.ts';

let home: Sandbox;
let up: ServedGrid;

beforeAll(async () => {
  home = await Sandbox.create();
  up = await home.startUp(['--credits']);
});

afterAll(async () => {
  await up[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

async function aipg(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await home.aipg(args);
  return { stdout, stderr, exitCode };
}

async function json<T>(...args: readonly string[]): Promise<T> {
  const { stdout, stderr, exitCode } = await aipg(...args, '--json');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as T;
}

interface Balance {
  readonly account: string;
  readonly available: number;
  readonly reserved: number;
  readonly allowance: number;
}

describe('credits', () => {
  test('are issued, transferred and shown', async () => {
    const before = await json<Balance>('balance');
    expect(before).toMatchObject({ account: 'local', available: 0, reserved: 0 });
    expect(before.allowance).toBeGreaterThan(0);
    const issued = await aipg('credits', 'issue', 'local', '12.5', '--memo', 'a gift');
    expect(issued).toEqual({
      stdout: '',
      stderr: '12.5 credits were issued to local, which has 12.5 now.\n',
      exitCode: 0,
    });
    const slip = await aipg('credits', 'transfer', 'bob', '2.25');
    expect(slip.exitCode).toBe(5);
    expect(slip.stderr).toContain('The ledger has not seen an account bob: nothing was moved.');
    expect(slip.stderr).toContain('--new');
    const moved = await aipg('credits', 'transfer', 'bob', '2.25', '--new');
    expect(moved.stderr).toBe('2.25 credits went to bob; 10.25 are left.\n');
    expect((await aipg('balance')).stdout).toContain('available 10.25 credits\n');
    const tooMuch = await aipg('credits', 'transfer', 'bob', '11');
    expect(tooMuch.exitCode).toBe(5);
    expect(tooMuch.stderr).toContain('local has 10.25 credits; this takes 11.');
    expect((await aipg('credits', 'issue', 'carol', '1')).exitCode).toBe(5);
    expect((await aipg('credits', 'transfer', 'bob', '-1')).exitCode).toBe(2);
    expect((await aipg('credits', 'issue', 'not/one', '1')).stderr).toContain('"not/one" is no account.');
  });

  test('are decided about by an operator, and a change holds from then on', async () => {
    expect((await aipg('credits', 'policy')).stdout).toContain('share     5 % of each job');
    const changed = await json<{ n: number; policy: object }>(
      'credits',
      'policy',
      '--share',
      '2.5',
      '--priority',
      '3',
    );
    expect(changed.policy).toMatchObject({
      operatorShare: 250,
      tiers: { priority: 30_000, standard: 10_000 },
    });
    expect(await json('credits', 'policy')).toMatchObject({ n: changed.n });
  });
});

describe('a job that is done', () => {
  test('stands in the ledger, in what its worker has earned, and in its team', async () => {
    expect((await aipg('team', 'join', 'red-pandas')).stderr).toBe(
      'Your account is in team red-pandas now.\n',
    );
    expect((await aipg('gen', '--seed', '7', 'Tell me a story about a fox.')).exitCode).toBe(0);
    const newest = async () =>
      JSON.parse((await aipg('ledger', 'log', '-n', '1', '--json')).stdout) as object;
    // Results are settled a moment after they are written; on a grid without keys the worker is its asker's own.
    await expect
      .poll(newest, { timeout: 20_000 })
      .toMatchObject({ kind: 'settle', payTo: 'local', isOwn: true, pay: 0 });
    const earnings = await json<{ today: number; total: object; days: unknown[]; models: object[] }>(
      'earnings',
    );
    expect(earnings).toMatchObject({ today: 0, total: { jobs: 1, earned: 0 }, models: [{ jobs: 1 }] });
    expect(earnings.days).toHaveLength(7);
    expect((await aipg('earnings')).stdout).toContain('in all    0 for 1 jobs');
    const { teams } = await json<{ teams: object[] }>('team');
    expect(teams).toMatchObject([{ team: 'red-pandas', members: 1, jobsServed: 1, jobsAsked: 1 }]);
    expect((await aipg('team', 'leave')).stderr).toBe('Your account is in no team now.\n');
    expect((await aipg('ledger', 'log')).stdout).toMatch(/ transfer {3} +-2\.25 {2}local to bob\n/);
  });
});

describe('the ledger', () => {
  test('is exported, and verified by who has the file alone', async () => {
    const file = join(home.home, 'ledger.jsonl');
    expect(await aipg('ledger', 'export', '-o', file)).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    const text = await readFile(file, 'utf8');
    expect((await aipg('ledger', 'export')).stdout).toBe(text);
    const entries = text.trimEnd().split('\n').length;
    const offline = await aipg('ledger', 'verify', file);
    expect(offline.stdout).toContain(`${entries} entries are right`);
    expect((await home.aipg(['ledger', 'verify', '-'], { input: text })).stdout).toBe(offline.stdout);
    expect((await aipg('ledger', 'verify')).stdout).toBe(offline.stdout);
    const { head } = await json<{ head: { hash: string } }>('ledger', 'root');
    expect(offline.stdout).toContain(head.hash);
  });

  test('that was changed is refused, with the place', async () => {
    const file = join(home.home, 'changed.jsonl');
    const text = (await aipg('ledger', 'export')).stdout;
    await writeFile(file, text.replace('"amount":12500000', '"amount":92500000'));
    const { stdout, stderr, exitCode } = await aipg('ledger', 'verify', file);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toMatch(/^error: The ledger is not right at entry \d+\. The entry does not have the hash/);
    expect((await aipg('ledger', 'verify', join(home.home, 'none'))).exitCode).toBe(2);
  });

  test('goes into a spreadsheet', async () => {
    const { stdout } = await aipg('ledger', 'export', '--csv');
    const [head, ...rows] = stdout.trimEnd().split('\r\n');
    expect(head).toBe('n,time,kind,account,bucket,credits,job,worker,model,note');
    expect(rows.some((row) => /issue,local,available,12\.5,,,,a gift$/.test(row))).toBe(true);
  });

  test('proves an entry only once its day has a root', async () => {
    const line = (await aipg('ledger', 'log', '-n', '1', '--json')).stdout;
    const { n } = JSON.parse(line) as { n: number };
    const { stderr, exitCode } = await aipg('ledger', 'prove', String(n));
    expect(exitCode).toBe(5);
    expect(stderr).toContain('has no root yet');
    expect((await aipg('ledger', 'prove', '999999')).stderr).toContain('does not show local an entry 999999');
    expect((await aipg('ledger', 'prove', 'x')).exitCode).toBe(2);
  });
});

test('a grid without credits says so', async () => {
  await using other = await Sandbox.create();
  await using _free = await other.startUp();
  const { stderr, exitCode } = await other.aipg(['balance']);
  expect(exitCode).toBe(5);
  expect(stderr).toContain('This grid has no credits');
});
