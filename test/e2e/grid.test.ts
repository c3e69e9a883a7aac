import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRunningGrid, runningGridFile } from '../../src/runtime/config/running-grid.ts';
import { firstOutput, Sandbox, type ServedGrid } from '../support/aipg.ts';
import { startTestBus } from '../support/bus-server.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';

const STORY = ['--seed', '7', 'Tell me a story about a fox.'];

interface Status {
  readonly grid: string | null;
  readonly url: string;
  readonly directors: readonly unknown[];
  readonly workers: readonly { slots: { total: number; busy: number }; jobs: { done: number } }[];
  readonly models: readonly { name: string; slots: number }[];
  readonly jobs: number;
}

async function statusOf(home: Sandbox): Promise<Status> {
  return JSON.parse((await home.aipg(['status', '--json'])).stdout) as Status;
}

/** Where a job would go: the name that its error or its answer gives. */
async function gridOf(
  home: Sandbox,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await home.aipg(['gen', '--json', '-n', '1', ...args, 'x'], { env });
  if (exitCode === 0) return (JSON.parse(stdout) as { grid: string }).grid;
  return (
    /nats:\/\/\S+/.exec((JSON.parse(stderr) as { error: { message: string } }).error.message)?.[0] ?? stderr
  );
}

describe('while `aipg up` runs', () => {
  let home: Sandbox;
  let up: ServedGrid;

  beforeAll(async () => {
    home = await Sandbox.create();
    up = await home.startUp();
  });
  afterAll(async () => {
    await up[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  test('the same prompt gives the same bytes in-process, over it, and over a worker started apart', async () => {
    await using bus = await startTestBus();
    await using _director = await home.startDirector(bus.url);
    await using _worker = await home.startWorker(bus.url);
    for (const temperature of ['0', '0.8']) {
      const args = ['gen', '--temperature', temperature, ...STORY];
      const [local, overUp, apart] = await Promise.all([
        home.aipg([...args, '--grid', 'local']),
        home.aipg(args),
        home.aipg([...args, '--grid', bus.url]),
      ]);
      expect(local.stdout).toMatch(/^Once upon a time .*\n$/);
      for (const { stdout, stderr, exitCode } of [overUp, apart]) {
        expect({ stdout, stderr, exitCode }).toEqual({ stdout: local.stdout, stderr: '', exitCode: 0 });
      }
    }
  });

  test('its client loads nothing of TLS, which this bus does not speak', async () => {
    const told = join(home.home, 'modules.json');
    const hook = join(home.home, 'tell-modules.cjs');
    await writeFile(
      hook,
      `process.on('exit', () =>
        process.getBuiltinModule('fs').writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.moduleLoadList)));`,
    );
    await home.aipg(['gen', '-n', '4', 'x'], { env: { NODE_OPTIONS: `--require ${hook}` } });
    const loaded = JSON.parse(await readFile(told, 'utf8')) as string[];
    expect(loaded).toContain('NativeModule net');
    expect(loaded).not.toContain('NativeModule tls');
  });

  test('--json tells which grid and worker answered', async () => {
    const { stdout } = await home.aipg(['gen', '--json', ...STORY]);
    const answer = JSON.parse(stdout) as { grid: string; worker: string; model: string };
    expect(answer).toMatchObject({ grid: 'this machine', worker: expect.any(String), model: 'aipg-tiny' });
  });

  test('a part of the name is enough for a model, and an unknown one is told with what is served', async () => {
    const [part, unknown] = await Promise.all([
      home.aipg(['gen', '-m', 'tiny', '-n', '1', 'x']),
      home.aipg(['gen', '-m', 'huge', '-n', '1', 'x']),
    ]);
    expect(part.exitCode).toBe(0);
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).toMatch(/^error: .*huge.*\n.*aipg-tiny.*\n$/);
  });

  test('a prompt longer than the context fails as it does in-process', async () => {
    const input = 'word '.repeat(3_000);
    const [local, over] = await Promise.all([
      home.aipg(['gen', '--grid', 'local'], { input }),
      home.aipg(['gen'], { input }),
    ]);
    expect(over).toMatchObject({ exitCode: 2, stdout: '', stderr: local.stderr });
    expect(over.stderr).toMatch(/6\d{3}.* 2048/);
  });

  test('a prompt larger than a message of the bus is refused with its limit', async () => {
    const { exitCode, stdout, stderr } = await home.aipg(['gen'], { input: 'word '.repeat(100_000) });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*\d.*\n/);
  });

  test('status tells what is up, for people and as JSON', async () => {
    const [plain, json] = await Promise.all([home.aipg(['status']), statusOf(home)]);
    expect(plain).toMatchObject({ exitCode: 0, stderr: '' });
    for (const part of [
      up.url,
      'nats-server',
      'directors 1',
      'aipg-tiny (4 slots)',
      'serving',
      '0 of 4 slots busy',
    ]) {
      expect(plain.stdout).toContain(part);
    }
    expect(json).toMatchObject({
      url: up.url,
      directors: [{ version: expect.any(String) }],
      workers: [{ state: 'serving', slots: { total: 4, busy: 0 }, jobs: { failed: expect.any(Number) } }],
      models: [{ name: 'aipg-tiny', slots: 4 }],
      jobs: 0,
    });
  });

  test('a second one says what runs where, exits 0 and disturbs nothing', async () => {
    const [plain, json] = await Promise.all([home.aipg(['up']), home.aipg(['up', '--json'])]);
    expect(plain).toMatchObject({ exitCode: 0, stdout: '' });
    for (const part of [up.url, String(up.upPid), 'aipg-tiny']) expect(plain.stderr).toContain(part);
    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({ alreadyUp: true, url: up.url, pid: up.upPid });
    expect(readRunningGrid(home.paths)?.pid).toBe(up.upPid);
    expect((await home.aipg(['gen', '-n', '1', 'x'])).exitCode).toBe(0);
  });

  test('it comes before the default profile, and AIPG_GRID and --grid before it', async () => {
    await home.aipg(['grid', 'add', 'elsewhere', 'nats://127.0.0.1:1']);
    const env = { AIPG_GRID: 'elsewhere' };
    expect(
      await Promise.all([
        gridOf(home, []),
        gridOf(home, [], env),
        gridOf(home, ['--grid', 'local'], env),
        gridOf(home, ['--grid', up.url], env),
      ]),
    ).toEqual(['this machine', 'nats://127.0.0.1:1', 'local', up.url]);
    const { stdout } = await home.aipg(['grid', 'ls']);
    expect(stdout).toContain(up.url);
    await home.aipg(['grid', 'rm', 'elsewhere']);
  });
});

describe.concurrent('grid profiles', () => {
  test('are added, listed, chosen and removed; the first is the default', async () => {
    await using home = await Sandbox.create();
    const ls = async () =>
      (JSON.parse((await home.aipg(['grid', 'ls', '--json'])).stdout) as { grids: unknown[] }).grids;
    expect(await ls()).toEqual([]);
    await home.aipg(['grid', 'add', 'one', 'nats://127.0.0.1:1']);
    const two = await home.aipg(['grid', 'add', 'two', 'nats://me:secret@127.0.0.1:2', '--account', 'team']);
    expect(two).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await ls()).toEqual([
      { name: 'one', url: 'nats://127.0.0.1:1', account: 'local', default: true },
      { name: 'two', url: 'nats://127.0.0.1:2', account: 'team', default: false },
    ]);
    expect((await home.aipg(['grid', 'ls'])).stdout).toMatch(/^\* one .*\n {2}two .*\n$/);

    const again = await home.aipg(['grid', 'add', 'one', 'nats://127.0.0.1:3']);
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toMatch(/one.*\n.*aipg grid rm one/);

    // Nothing listens there: the error tells which one was asked.
    expect(await gridOf(home, [])).toBe('nats://127.0.0.1:1');
    expect(await gridOf(home, [], { AIPG_GRID: 'two' })).toBe('nats://127.0.0.1:2');
    expect(await gridOf(home, ['--grid', 'one'], { AIPG_GRID: 'two' })).toBe('nats://127.0.0.1:1');
    await home.aipg(['grid', 'use', 'two']);
    expect(await gridOf(home, [])).toBe('nats://127.0.0.1:2');
    await home.aipg(['grid', 'rm', 'two']);
    expect(await gridOf(home, [])).toBe('local');
    expect(await ls()).toMatchObject([{ name: 'one', default: false }]);
  });
});

describe.concurrent('the end of `aipg up`', () => {
  test.for(['SIGINT', 'SIGTERM'] as const)(
    'on %s is clean, and a prompt is answered in-process again',
    async (signal) => {
      await using home = await Sandbox.create();
      await using up = await home.startUp();
      expect(existsSync(runningGridFile(home.paths))).toBe(true);
      expect(await home.busProcesses()).not.toEqual([]);
      const { exitCode } = await up.stop(signal);
      expect(exitCode).toBe(0);
      expect(await home.busProcesses()).toEqual([]);
      expect(existsSync(runningGridFile(home.paths))).toBe(false);
      expect(await gridOf(home, [])).toBe('local');
      expect(await statusOf(home)).toEqual({ grid: null });
    },
  );

  test('while it starts is clean too', async () => {
    await using home = await Sandbox.create();
    const up = home.serve(['up', '--json', '--log-level', 'info']);
    await up.stderr.json(({ part, state }) => part === 'bus' && state === 'ready');
    const { exitCode } = await up.stop('SIGINT');
    expect(exitCode).toBe(130);
    expect(await home.busProcesses()).toEqual([]);
    expect(existsSync(runningGridFile(home.paths))).toBe(false);
  });

  test('by kill -9 leaves no nats-server, and the next one works', async () => {
    await using home = await Sandbox.create();
    const first = await home.startUp();
    const client = await connect({ servers: first.url, reconnect: false });
    const [stopped] = await Promise.all([first.stop('SIGKILL'), client.closed()]);
    expect(stopped.signal).toBe('SIGKILL');
    // The bus has hung up; its process is gone by the time that another may have its folder.
    expect(await gridOf(home, [])).toBe('local');
    await using second = await home.startUp();
    expect(second.upPid).not.toBe(first.upPid);
    const servers = (await home.busProcesses()).filter(
      (line) => line.includes('nats-server ') && !line.includes('sh -c'),
    );
    expect(servers.length).toBeLessThanOrEqual(1);
    expect(await gridOf(home, [])).toBe('this machine');
  });

  test('keeps the bus where it was told to listen', async () => {
    await using home = await Sandbox.create();
    await using first = await home.startUp();
    const { port } = new URL(first.url);
    await first.stop();
    await using second = await home.startUp(['--port', port]);
    expect(second.url).toBe(`nats://127.0.0.1:${port}`);
  });
});

test('status tells of a job in work', async () => {
  await using home = await Sandbox.create();
  await using _up = await home.startUp(['-m', await writeEndlessModel(home.home), '--slots', '1']);
  const run = home.aipg(['gen', ...LONG_JOB]);
  await firstOutput(run);
  expect(await statusOf(home)).toMatchObject({ jobs: 1, workers: [{ slots: { total: 1, busy: 1 } }] });
  await run;
  expect(await statusOf(home)).toMatchObject({
    jobs: 0,
    workers: [{ slots: { busy: 0 }, jobs: { done: 1 } }],
  });
});

test('a client that is interrupted frees the slot for the next job', async () => {
  await using home = await Sandbox.create();
  const model = await writeEndlessModel(home.home);
  await using _up = await home.startUp(['-m', model, '--slots', '1']);
  const run = home.aipg(['gen', ...LONG_JOB]);
  await firstOutput(run);
  run.kill('SIGINT');
  const cancelled = await run;
  expect({ exitCode: cancelled.exitCode, stderr: cancelled.stderr }).toEqual({ exitCode: 130, stderr: '' });

  const next = await home.aipg(['gen', '--json', '--raw', '-n', '5', 'Once']);
  expect(next.exitCode).toBe(0);
  const { timings } = JSON.parse(next.stdout) as { timings: { firstTextMs: number } };
  // The interrupted job would have gone on for about a second.
  expect(timings.firstTextMs).toBeLessThan(500);
  expect(await statusOf(home)).toMatchObject({ jobs: 0, workers: [{ slots: { busy: 0 } }] });
});
