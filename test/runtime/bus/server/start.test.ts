import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BusServer } from '../../../../src/runtime/bus/server/bus-server.ts';
import { ensureBusServer } from '../../../../src/runtime/bus/server/ensure.ts';
import { isRunning } from '../../../../src/runtime/bus/server/process-identity.ts';
import {
  type BusServerState,
  type BusServerStateChange,
  type StartBusServerOptions,
  startBusServer,
} from '../../../../src/runtime/bus/server/start.ts';
import { resolvePaths } from '../../../../src/runtime/config/paths.ts';
import { startTestBus } from '../../../support/bus-server.ts';

let server: BusServer;
let dir: string;

beforeAll(async () => {
  server = await ensureBusServer({ cacheDir: resolvePaths().cache });
}, 120_000);
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-start-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function start(options: Partial<StartBusServerOptions> = {}) {
  return startBusServer({ server, dataDir: join(dir, 'data'), logFile: join(dir, 'bus.log'), ...options });
}

/** Records state changes and lets a test wait for the next one of a kind. */
function watchStates() {
  const changes: BusServerStateChange[] = [];
  const waiting = new Map<BusServerState, () => void>();
  return {
    changes,
    onStateChange(change: BusServerStateChange) {
      changes.push(change);
      waiting.get(change.state)?.();
    },
    next: (state: BusServerState) => new Promise<void>((resolve) => waiting.set(state, resolve)),
  };
}

async function reconnected(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) if (type === 'reconnect') return;
}

test('lets a connection go that answers no ping, within seconds', async () => {
  await using bus = await start();
  const socket = dial(bus.port, '127.0.0.1');
  socket.write('CONNECT {"verbose":false,"pedantic":false}\r\nSUB asked together 1\r\n');
  // The server ends it, and nobody else.
  expect(await text(socket)).toContain("-ERR 'Stale Connection'");
}, 60_000);

test('runs a server with JetStream on loopback and stops it', async () => {
  const bus = await start({ name: 'mine' });
  const pid = bus.pid ?? 0;
  expect(bus).toMatchObject({
    url: `nats://127.0.0.1:${bus.port}`,
    version: server.version,
    path: server.path,
    state: 'ready',
  });
  const connection = await connect({ servers: bus.url });
  expect(connection.info).toMatchObject({ jetstream: true, max_payload: 1_048_576, server_name: 'mine' });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
  await connection.close();
  expect((await stat(join(dir, 'data'))).mode & 0o777).toBe(0o700);

  await Promise.all([bus.stop(), bus.stop()]);
  expect(await isRunning({ pid })).toBe(false);
  expect(bus).toMatchObject({ state: 'stopped', pid: undefined });
  expect(await readFile(join(dir, 'bus.log'), 'utf8')).toContain('Server is ready');
});

test('the helper of the tests gives a bus of its own and leaves nothing', async () => {
  let folder: string;
  {
    await using bus = await startTestBus();
    folder = bus.dir;
    await (await connect({ servers: bus.url })).close();
  }
  await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('works in a folder with an odd name', async () => {
  const dataDir = join(dir, `a "quoted" \\ $HOME # {x} é '1'`);
  await using _bus = await start({ dataDir });
  expect((await stat(join(dataDir, 'jetstream'))).isDirectory()).toBe(true);
});

test('a killed server is restarted on its port, with its data', async () => {
  const states = watchStates();
  await using bus = await start({ onStateChange: states.onStateChange, syncAlways: true });
  const { url, pid = 0 } = bus;
  const connection = await connect({ servers: url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
  await manager.jetstream().publish('kept', 'before');

  const back = Promise.all([states.next('ready'), reconnected(connection)]);
  process.kill(pid, 'SIGKILL');
  await back;
  expect(bus.url).toBe(url);
  expect(bus.pid).not.toBe(pid);
  expect((await manager.streams.getMessage('KEPT', { seq: 1 }))?.string()).toBe('before');
  await connection.close();
  await bus.stop();
  expect(states.changes).toEqual([
    { state: 'starting' },
    { state: 'ready' },
    { state: 'restarting', reason: 'ended by SIGKILL', delayMs: 100 },
    { state: 'starting' },
    { state: 'ready' },
    { state: 'stopped', reason: 'asked to stop' },
  ]);
});

test.skipIf(process.platform !== 'linux')(
  'a killed guard takes the server with it, and both come back',
  async () => {
    const states = watchStates();
    await using bus = await start({ onStateChange: states.onStateChange });
    const pid = bus.pid ?? 0;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const guard = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    const ready = states.next('ready');
    process.kill(guard, 'SIGKILL');
    await ready;
    expect(await isRunning({ pid })).toBe(false);
  },
);

test('stops while it waits to restart', async () => {
  const states = watchStates();
  const backoff = { minMs: 60_000, maxMs: 60_000, healthyMs: 60_000 };
  const bus = await start({ onStateChange: states.onStateChange, backoff });
  const restarting = states.next('restarting');
  process.kill(bus.pid ?? 0, 'SIGKILL');
  await restarting;
  await bus.stop();
  expect(bus.state).toBe('stopped');
});

test('kills a server that does not heed the request to stop', async () => {
  const bus = await start({ stopTimeoutMs: 100 });
  const pid = bus.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  await bus.stop();
  expect(await isRunning({ pid })).toBe(false);
});

test('its signal stops it', async () => {
  const states = watchStates();
  const controller = new AbortController();
  const bus = await start({ signal: controller.signal, onStateChange: states.onStateChange });
  const stopped = states.next('stopped');
  controller.abort();
  await stopped;
  expect(bus.pid).toBeUndefined();
});

test('its signal stops it while it starts', async () => {
  const controller = new AbortController();
  const onStateChange = ({ state }: BusServerStateChange) => state === 'starting' && controller.abort();
  await expect(start({ signal: controller.signal, onStateChange })).rejects.toMatchObject({
    code: 'cancelled',
  });
  await using _free = await start();
});

test('says that a port is taken', async () => {
  const listening = Promise.withResolvers<number>();
  const other = createServer().listen(0, '127.0.0.1', () => {
    const address = other.address();
    listening.resolve(typeof address === 'object' && address ? address.port : 0);
  });
  const port = await listening.promise;
  await expect(start({ port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: `Port ${port} of 127.0.0.1 is taken.`,
    hint: expect.stringContaining('another port'),
  });
  await new Promise((resolve) => other.close(resolve));
  await using bus = await start({ port });
  expect(bus.port).toBe(port);
});

test('refuses a second server on the same data', async () => {
  await using first = await start();
  await expect(start()).rejects.toMatchObject({
    code: 'bus-server-failed',
    message: expect.stringContaining(`Another bus server uses ${join(dir, 'data')} (process ${process.pid})`),
  });
  expect(await isRunning({ pid: first.pid ?? 0 })).toBe(true);
});

test("gives a failing server's last words", async () => {
  await expect(start({ name: 'two words' })).rejects.toMatchObject({
    code: 'bus-server-failed',
    message: expect.stringMatching(/ended with exit code 1:\n.*server name cannot contain spaces/s),
    hint: expect.stringContaining(join(dir, 'bus.log')),
  });
});

test('gives up on a server that does not get ready', async () => {
  const stuck = { ...server, path: '/bin/cat' };
  await expect(start({ server: stuck })).rejects.toMatchObject({ code: 'bus-server-failed' });
  await expect(start({ startTimeoutMs: 1 })).rejects.toMatchObject({
    message: expect.stringContaining('not ready'),
  });
});
