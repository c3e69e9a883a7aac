import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BusServer } from '../../../../src/runtime/bus/server/bus-server.ts';
import { ensureBusServer } from '../../../../src/runtime/bus/server/ensure.ts';
import { guardCommand } from '../../../../src/runtime/bus/server/guard.ts';
import { startBusServer } from '../../../../src/runtime/bus/server/start.ts';
import { resolvePaths } from '../../../../src/runtime/config/paths.ts';

let server: BusServer;
let dir: string;

beforeAll(async () => {
  server = await ensureBusServer({ cacheDir: resolvePaths().cache });
}, 120_000);
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-orphan-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A process of its own, and process group, that runs a server. */
async function startParent() {
  const script = join(import.meta.dirname, 'run-server.ts');
  const child = spawn(process.execPath, [script, server.path, join(dir, 'data'), join(dir, 'bus.log')], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { url, pid } = JSON.parse((await lines.next()).value ?? '{}') as { url: string; pid: number };
  return { child, lines, url, pid, group: -(child.pid ?? 0) };
}

/** Connects to the server and resolves when its process is gone, by the end of the connection. */
async function watchEnd(url: string): Promise<{ ended: Promise<unknown> }> {
  const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'data');
  socket.on('error', () => {});
  return { ended: once(socket, 'close') };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

test('the server ends within a second of its parent being killed, and its data can be used again', async () => {
  const parent = await startParent();
  const { ended } = await watchEnd(parent.url);
  const killedAt = performance.now();
  await kill(parent.child);
  await ended;
  expect(performance.now() - killedAt).toBeLessThan(1_000);

  await using again = await startBusServer({
    server,
    dataDir: join(dir, 'data'),
    logFile: join(dir, 'bus.log'),
  });
  expect(again.state).toBe('ready');
  expect(await readFile(join(dir, 'bus.log'), 'utf8')).toContain(`[${parent.pid}]`);
});

test("a Ctrl-C for the parent's process group does not reach the server", async () => {
  const parent = await startParent();
  process.kill(parent.group, 'SIGINT');
  expect((await parent.lines.next()).value).toBe('interrupted');
  const { ended } = await watchEnd(parent.url);
  await kill(parent.child);
  await ended;
});

test.each(['linux', 'win32'] as const)(
  'the guard for %s ends with its program, with its exit code',
  async (platform) => {
    const guard = guardCommand('/bin/sh', ['-c', 'exit 7'], platform);
    const child = spawn(guard.file, guard.args, { stdio: ['pipe', 'ignore', 'pipe'] });
    expect(await once(child, 'close')).toEqual([7, null]);
  },
);

test.each(['linux', 'win32'] as const)(
  'the guard for %s ends its program when stdin ends',
  async (platform) => {
    const guard = guardCommand(
      process.execPath,
      ['-e', 'console.error(1); setInterval(() => {}, 1e9)'],
      platform,
    );
    const child = spawn(guard.file, guard.args, { stdio: ['pipe', 'ignore', 'pipe'] });
    await once(child.stderr, 'data');
    const closed = once(child, 'close');
    child.stdin.end();
    const [code] = await closed;
    expect(code).not.toBe(0);
  },
);
