import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireDataLock } from '../../../../src/runtime/bus/server/data-lock.ts';
import { identifyProcess } from '../../../../src/runtime/bus/server/process-identity.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const GONE = { pid: process.pid, started: 'before the last boot' };

async function leaveLock(content: unknown): Promise<void> {
  await writeFile(join(dir, 'aipg-bus.lock'), JSON.stringify(content));
}

test('one holder at a time, of many that try', async () => {
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireDataLock(dir)));
  const held = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(held).toHaveLength(1);
  await held[0]?.release();
  await (await acquireDataLock(dir)).release();
  expect(await readdir(dir)).toEqual([]);
});

test('takes over the lock of processes that are gone, though their pids are in use again', async () => {
  await leaveLock({ token: 'old', owner: GONE, server: GONE });
  await (await acquireDataLock(dir)).release();
  expect(await readdir(dir)).toEqual([]);
});

test('takes over a lock whose writer died at it', async () => {
  await writeFile(join(dir, 'aipg-bus.lock'), '');
  await (await acquireDataLock(dir)).release();
});

test('waits for a server that outlives its owner', async () => {
  const orphan = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(orphan, 'spawn');
  await leaveLock({ token: 'old', owner: GONE, server: await identifyProcess(orphan.pid ?? 0) });
  const acquired = acquireDataLock(dir);
  let ended = false;
  orphan.on('exit', () => {
    ended = true;
  });
  orphan.stdin.end();
  const lock = await acquired;
  expect(ended).toBe(true);
  await lock.release();
});

test('does not release the lock of a successor', async () => {
  const lock = await acquireDataLock(dir);
  await leaveLock({ token: 'successor', owner: GONE });
  await lock.release();
  expect(await readFile(join(dir, 'aipg-bus.lock'), 'utf8')).toContain('successor');
});
