import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ONE_THREAD, Sandbox, type ServedGrid } from '../support/aipg.ts';
import { freePort } from '../support/free-port.ts';

const QUESTION = ['Tell me a story about a fox.', '--seed', '7', '--max-tokens', '24'];

let operator: Sandbox;
let up: ServedGrid;
let url: string;

/** A home that has joined by an invitation. */
async function joined(...invite: string[]): Promise<Sandbox> {
  const { stdout } = await operator.aipg(['grid', 'invite', ...invite]);
  const home = await Sandbox.create();
  expect(await home.aipg(['grid', 'join'], { input: stdout })).toMatchObject({ exitCode: 0, stdout: '' });
  return home;
}

beforeAll(async () => {
  operator = await Sandbox.create();
  const port = await freePort();
  url = `nats://127.0.0.1:${port}`;
  expect(await operator.aipg(['grid', 'init', 'home', '--url', url])).toMatchObject({ exitCode: 0 });
  up = await operator.startUp(['--listen', `127.0.0.1:${port}`]);
});
afterAll(async () => {
  await up[Symbol.asyncDispose]();
  await operator[Symbol.asyncDispose]();
});

describe('a grid with keys', () => {
  test('serves its operator, a user and a worker from other homes', async () => {
    await using user = await joined('--role', 'user', '--account', 'bob');
    await using home = await joined('--role', 'worker', '--account', 'alice');
    await using worker = home.serve(['worker', ...ONE_THREAD]);
    const { worker: id } = await worker.stderr.json<{ worker: string }>(({ msg }) => msg === 'serving');
    expect(id).toMatch(/^w-[a-z2-7]{12}$/);

    const local = await user.aipg(['gen', '--grid', 'local', ...QUESTION]);
    expect((await user.aipg(['gen', ...QUESTION])).stdout).toBe(local.stdout);
    expect((await operator.aipg(['gen', ...QUESTION])).stdout).toBe(local.stdout);
    const { stdout } = await user.aipg(['status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ directors: [{}], workers: [{}, {}] });
    // Each sees its own account's jobs.
    expect((await user.aipg(['jobs', '--json'])).stdout.trim().split('\n')).toHaveLength(1);
  });

  test('asks for a key, which may come from the environment', async () => {
    await using stranger = await Sandbox.create();
    const refused = await stranger.aipg(['gen', '--grid', url, ...QUESTION]);
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toContain('asks for a key');

    await using user = await joined('--role', 'user', '--account', 'dora');
    const { readFile } = await import('node:fs/promises');
    const file = join(user.paths.config, 'credentials', 'home.creds');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const env = { AIPG_CREDENTIALS: await readFile(file, 'utf8') };
    expect(await stranger.aipg(['gen', '--grid', url, ...QUESTION], { env })).toMatchObject({ exitCode: 0 });
  });

  test('lets a monitor see, and not ask', async () => {
    await using monitor = await joined('--role', 'monitor');
    expect(await monitor.aipg(['status'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('aipg-tiny'),
    });
    const refused = await monitor.aipg(['gen', ...QUESTION]);
    expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('key of a monitor') });
  });

  test('holds an invitation to its limits, and lists them', async () => {
    await using user = await joined(
      ...['--role', 'user', '--account', 'guest', '--models', 'aipg-tiny', '--max-rate', '2/min'],
    );
    expect(await user.aipg(['gen', ...QUESTION])).toMatchObject({ exitCode: 0 });
    const other = await user.aipg(['gen', '--model', 'hf:org/repo:Q4_K_M', ...QUESTION]);
    expect(other.exitCode).not.toBe(0);
    // At most two clock minutes pass.
    const more = await Promise.all(Array.from({ length: 5 }, () => user.aipg(['gen', ...QUESTION])));
    const refused = more.filter(({ exitCode }) => exitCode === 5);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.stderr).toContain('2 jobs a minute');
    const { stdout } = await operator.aipg(['grid', 'keys']);
    expect(stdout).toMatch(/guest .* only aipg-tiny, 2\/min/);

    const monitor = await operator.aipg(['grid', 'invite', '--role', 'monitor', '--max-rate', '2/min']);
    expect(monitor).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--max-rate is for users'),
    });
  });

  test('cuts off who is revoked', async () => {
    await using home = await joined('--role', 'worker', '--account', 'eve');
    await using worker = home.serve(['worker', ...ONE_THREAD]);
    await worker.stderr.json(({ msg }) => msg === 'serving');
    expect(await operator.aipg(['grid', 'revoke', 'eve'])).toMatchObject({ exitCode: 0 });
    const ended = await worker.run;
    expect(ended).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('takes this key no more') });
    const { stdout } = await operator.aipg(['grid', 'keys', '--json']);
    const { keys } = JSON.parse(stdout) as { keys: { name: string; status: string }[] };
    expect(keys.filter(({ name }) => name === 'eve')).toEqual([
      expect.objectContaining({ status: 'revoked' }),
    ]);
    expect((await worker.run).stderr + stdout).not.toMatch(/SU[A-Z2-7]{56}/);
  });
});

describe('aipg up', () => {
  test('does not listen without keys, nor beyond this machine without TLS', async () => {
    await using home = await Sandbox.create();
    const keyless = await home.aipg(['up', '--listen', '0.0.0.0:4222', '--insecure']);
    expect(keyless).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('aipg grid init') });
    await home.aipg(['grid', 'init', 'home', '--url', 'nats://10.0.0.1:4222']);
    const plain = await home.aipg(['up', '--listen', '0.0.0.0:4222']);
    expect(plain).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--insecure') });
  });
});

describe('aipg grid join', () => {
  test('refuses what is no invitation, and takes none from its arguments', async () => {
    await using home = await Sandbox.create();
    expect(await home.aipg(['grid', 'join'], { input: 'hello' })).toMatchObject({ exitCode: 2 });
    expect(await home.aipg(['grid', 'join', 'aipg-invitation-1.x'])).toMatchObject({ exitCode: 2 });
  });
});
