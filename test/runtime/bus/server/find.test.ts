import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedServerPath } from '../../../../src/runtime/bus/server/cache.ts';
import { findBusServer, searchBusServer } from '../../../../src/runtime/bus/server/find.ts';
import { writeFakeServer } from '../../../support/release-host.ts';

let dir: string;
let cacheDir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-find-'));
  cacheDir = join(dir, 'cache');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function onPath(...folders: string[]): NodeJS.ProcessEnv {
  return { PATH: folders.map((folder) => join(dir, folder)).join(delimiter) };
}

test('finds nothing where nothing is', async () => {
  expect(await findBusServer({ cacheDir, env: {} })).toBeUndefined();
});

test('AIPG_NATS_SERVER comes before PATH, PATH before the cache', async () => {
  const chosen = writeFakeServer(join(dir, 'mine', 'server'), '2.13.0');
  const installed = writeFakeServer(join(dir, 'bin', 'nats-server'), '2.12.4');
  writeFakeServer(cachedServerPath(cacheDir, '2.15.0'), '2.15.0');

  const env = { ...onPath('bin'), AIPG_NATS_SERVER: chosen };
  expect(await findBusServer({ cacheDir, env })).toEqual({ path: chosen, version: '2.13.0', source: 'env' });
  expect(await findBusServer({ cacheDir, env: onPath('bin') })).toEqual({
    path: installed,
    version: '2.12.4',
    source: 'path',
  });
});

test('passes over a too old server on PATH, and says so', async () => {
  const old = writeFakeServer(join(dir, 'old', 'nats-server'), '2.9.10');
  const newer = writeFakeServer(join(dir, 'new', 'nats-server'), '2.14.0');
  expect(await searchBusServer({ cacheDir, env: onPath('old', 'new') })).toEqual({
    server: { path: newer, version: '2.14.0', source: 'path' },
    passedOver: [`${old} is version 2.9.10, older than 2.12.0`],
  });
});

test('takes the newest server of the cache, and none that was made for another platform or does not run', async () => {
  writeFakeServer(cachedServerPath(cacheDir, '2.12.9'), '2.12.9');
  const newest = writeFakeServer(cachedServerPath(cacheDir, '2.13.1'), '2.13.1');
  const broken = writeFakeServer(cachedServerPath(cacheDir, '2.15.0'), '2.15.0');
  await writeFile(broken, '');
  writeFakeServer(cachedServerPath(cacheDir, '2.16.0').replace(process.arch, 'pdp11'), '2.16.0');
  expect(await findBusServer({ cacheDir, env: {} })).toEqual({
    path: newest,
    version: '2.13.1',
    source: 'cache',
  });
});

test('refuses a too old AIPG_NATS_SERVER, naming it, though PATH has a good one', async () => {
  const old = writeFakeServer(join(dir, 'mine', 'old-one'), '2.11.9');
  writeFakeServer(join(dir, 'bin', 'nats-server'), '2.15.0');
  await expect(
    findBusServer({ cacheDir, env: { ...onPath('bin'), AIPG_NATS_SERVER: old } }),
  ).rejects.toMatchObject({
    code: 'bus-server-too-old',
    message: expect.stringContaining(`AIPG_NATS_SERVER names (${old}) is version 2.11.9`),
    hint: expect.stringContaining('AIPG_NATS_SERVER'),
  });
});

test('refuses an AIPG_NATS_SERVER that is missing, not executable, or another program', async () => {
  const problem = async (path: string) =>
    findBusServer({ cacheDir, env: { AIPG_NATS_SERVER: path } }).catch(
      (error) => `${error.code}: ${error.message}`,
    );
  const notExecutable = writeFakeServer(join(dir, 'plain'), '2.15.0');
  await chmod(notExecutable, 0o644);
  expect(await problem(join(dir, 'nowhere'))).toMatch(/^bus-server-missing: .* does not exist\.$/);
  expect(await problem(notExecutable)).toMatch(/^bus-server-missing: .* is not executable\.$/);
  expect(await problem(process.execPath)).toMatch(/^bus-server-missing: .* is not a nats-server\.$/);
});

test('is cancelled by its signal', async () => {
  await expect(findBusServer({ cacheDir, env: {}, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
});
