import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { InstallProgress } from '../../../../src/runtime/bus/server/bus-server.ts';
import { cachedServerPath, serverCacheDir } from '../../../../src/runtime/bus/server/cache.ts';
import { type EnsureBusServerOptions, ensureBusServer } from '../../../../src/runtime/bus/server/ensure.ts';
import { makeReleaseArchive, startReleaseHost, writeFakeServer } from '../../../support/release-host.ts';

const { bytes, asset } = makeReleaseArchive('2.15.0');
let cacheDir: string;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'aipg-install-'));
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

function ensureFrom(baseUrl: string, options: Partial<EnsureBusServerOptions> = {}) {
  const release = { baseUrl, asset, timeouts: { connectMs: 500, idleMs: 500 } };
  return ensureBusServer({ cacheDir, env: {}, sources: ['release'], release, ...options });
}

async function expectMissing(installation: Promise<unknown>, reason: RegExp): Promise<void> {
  await expect(installation).rejects.toMatchObject({
    code: 'bus-server-missing',
    message: expect.stringMatching(reason),
    hint: expect.stringContaining('AIPG_NATS_SERVER'),
  });
  expect(await readdir(serverCacheDir(cacheDir))).toEqual([]);
}

test('downloads, checks and installs the release, once, with progress', async () => {
  await using host = await startReleaseHost((_, response) => response.end(bytes));
  const progress: InstallProgress[] = [];
  const onProgress = (step: InstallProgress) => progress.push(step);

  const path = cachedServerPath(cacheDir, '2.15.0');
  expect(await ensureFrom(host.baseUrl, { onProgress })).toEqual({
    path,
    version: '2.15.0',
    source: 'release',
  });
  expect(await ensureFrom(host.baseUrl)).toEqual({ path, version: '2.15.0', source: 'cache' });

  expect(host.paths).toEqual([`/v2.15.0/${asset.name}`]);
  expect([...new Set(progress.map(({ step }) => step))]).toEqual(['connect', 'download', 'unpack', 'done']);
  expect(progress).toContainEqual({
    source: 'release',
    step: 'download',
    bytes: bytes.length,
    total: bytes.length,
  });
  expect(await readdir(serverCacheDir(cacheDir))).toHaveLength(1);
});

test('ten installations at once do not clash', async () => {
  await using host = await startReleaseHost((_, response) => response.end(bytes));
  const servers = await Promise.all(Array.from({ length: 10 }, () => ensureFrom(host.baseUrl)));
  expect(new Set(servers.map(({ path }) => path))).toEqual(new Set([cachedServerPath(cacheDir, '2.15.0')]));
  expect(await readdir(serverCacheDir(cacheDir))).toHaveLength(1);
});

test('refuses an archive with the wrong hash and keeps nothing of it', async () => {
  await using host = await startReleaseHost((_, response) =>
    response.end(makeReleaseArchive('2.15.9').bytes),
  );
  await expectMissing(ensureFrom(host.baseUrl), new RegExp(`wrong sha256 .*expected ${asset.sha256}`));
});

test('keeps nothing of a cut download', async () => {
  await using host = await startReleaseHost((_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 50), () => response.destroy());
  });
  await expectMissing(ensureFrom(host.baseUrl), /release: .*(aborted|hang up|closed|length)/i);
});

test('stops a download that is larger than any release', async () => {
  const megabyte = Buffer.alloc(1024 * 1024);
  await using host = await startReleaseHost((_, response) => {
    const more = () => response.write(megabyte, (error) => error ?? more());
    more();
  });
  await expectMissing(ensureFrom(host.baseUrl), /larger than \d+ bytes/);
});

test('says what the host answered', async () => {
  await using host = await startReleaseHost((_, response) => response.writeHead(404).end());
  await expectMissing(ensureFrom(host.baseUrl), /404/);
});

test('gives up on a host that is silent', async () => {
  await using host = await startReleaseHost(() => {});
  await expectMissing(ensureFrom(host.baseUrl), /Timeout awaiting/);
});

test('gives up on a host that stalls in the middle', async () => {
  await using host = await startReleaseHost((_, response) => response.write(bytes.subarray(0, 50)));
  await expectMissing(ensureFrom(host.baseUrl), /Timeout awaiting/);
});

test('gives up on a host that cannot be reached', async () => {
  const { baseUrl } = await startReleaseHost(() => {}).then(async (host) => {
    await host[Symbol.asyncDispose]();
    return host;
  });
  await expectMissing(ensureFrom(baseUrl), /ECONNREFUSED/);
});

test('refuses a release that holds a too old server', async () => {
  const old = makeReleaseArchive('2.11.0');
  await using host = await startReleaseHost((_, response) => response.end(old.bytes));
  const release = { baseUrl: host.baseUrl, asset: old.asset };
  await expectMissing(ensureFrom(host.baseUrl, { release }), /older than 2\.12\.0/);
});

test('names every reason when nothing works', async () => {
  const old = writeFakeServer(join(cacheDir, 'bin', 'nats-server'), '2.9.10');
  await using host = await startReleaseHost((_, response) => response.writeHead(503).end());
  const reasons = new RegExp(`${old} is version 2\\.9\\.10.*; release: .*503`);
  await expectMissing(ensureFrom(host.baseUrl, { env: { PATH: join(cacheDir, 'bin') } }), reasons);
});

test('is cancelled in the middle of a download', async () => {
  const controller = new AbortController();
  await using host = await startReleaseHost((_, response) => response.write(bytes.subarray(0, 50)));
  const onProgress = ({ step }: InstallProgress) => step === 'download' && controller.abort();
  await expect(ensureFrom(host.baseUrl, { signal: controller.signal, onProgress })).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(await readdir(serverCacheDir(cacheDir))).toEqual([]);
});

test('clears away what a killed installation left an hour ago', async () => {
  const left = join(serverCacheDir(cacheDir), '.staging-killed');
  const running = join(serverCacheDir(cacheDir), '.staging-running');
  await mkdir(left, { recursive: true });
  await mkdir(running);
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(left, hoursAgo, hoursAgo);
  await using host = await startReleaseHost((_, response) => response.end(bytes));
  await ensureFrom(host.baseUrl);
  const names = await readdir(serverCacheDir(cacheDir));
  expect(names).toContain('.staging-running');
  expect(names).not.toContain('.staging-killed');
});
