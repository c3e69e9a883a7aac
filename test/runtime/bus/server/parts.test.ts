import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { createBackoff, RESTART_BACKOFF } from '../../../../src/runtime/bus/server/backoff.ts';
import { openLogFile } from '../../../../src/runtime/bus/server/log-file.ts';
import { identifyProcess, isRunning } from '../../../../src/runtime/bus/server/process-identity.ts';
import { pinnedRelease } from '../../../../src/runtime/bus/server/release-pins.ts';
import { quote } from '../../../../src/runtime/bus/server/server-config.ts';

test('delays double from 100 ms to 10 s and start anew after 30 s of health', () => {
  const next = createBackoff(RESTART_BACKOFF);
  expect([0, 0, 29_999, 0, 0, 0, 0, 0, 0].map(next)).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000,
  ]);
  expect([30_000, 0].map(next)).toEqual([100, 200]);
});

test('quotes a configuration string', () => {
  expect(quote('a b')).toBe('"a b"');
  expect(quote('C:\\x "y"\n\u0001é')).toBe('"C:\\\\x \\"y\\"\\x0a\\x01é"');
});

test('the log appends, and keeps one older file when it is full', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'aipg-log-'));
  const path = join(dir, 'deep', 'bus.log');
  const log = openLogFile(path, 10);
  log.write('one');
  log.close();
  const again = openLogFile(path, 10);
  for (const line of ['two', 'three', 'four']) again.write(line);
  again.close();
  expect(await readFile(`${path}.1`, 'utf8')).toBe('one\ntwo\nthree\n');
  expect(await readFile(path, 'utf8')).toBe('four\n');
  await rm(dir, { recursive: true });
});

test('a log that is closed loses lines silently', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'aipg-log-'));
  const path = join(dir, 'bus.log');
  await writeFile(path, '');
  const log = openLogFile(path);
  log.close();
  log.write('late');
  expect(await readFile(path, 'utf8')).toBe('');
  await rm(dir, { recursive: true });
});

test('tells a process from a later one with the same pid', async () => {
  const self = await identifyProcess(process.pid);
  expect(self && (await isRunning(self))).toBe(true);
  expect(await isRunning({ pid: process.pid, started: 'long ago' })).toBe(false);
  expect(await isRunning({ pid: 2 ** 22 + 1 })).toBe(false);
});

test.each([
  ['linux', 'x64', 'nats-server-v2.15.0-linux-amd64.tar.gz', 'nats-server-v2.15.0-linux-amd64/nats-server'],
  [
    'darwin',
    'arm64',
    'nats-server-v2.15.0-darwin-arm64.tar.gz',
    'nats-server-v2.15.0-darwin-arm64/nats-server',
  ],
  [
    'win32',
    'x64',
    'nats-server-v2.15.0-windows-amd64.zip',
    'nats-server-v2.15.0-windows-amd64/nats-server.exe',
  ],
] as const)('knows the release for %s-%s', (platform, arch, name, member) => {
  expect(pinnedRelease(platform, arch)).toMatchObject({
    name,
    member,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('knows no release for a platform without one', () => {
  expect(pinnedRelease('aix', 'ppc64')).toBeUndefined();
  expect(pinnedRelease('linux', 'riscv64')).toBeUndefined();
});
