import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InstallProgress } from '../../../../src/runtime/bus/server/bus-server.ts';
import { cachedServerPath, serverCacheDir } from '../../../../src/runtime/bus/server/cache.ts';
import { parseDistribution, rankSites } from '../../../../src/runtime/bus/server/debian-mirror.ts';
import { ensureBusServer } from '../../../../src/runtime/bus/server/ensure.ts';
import { isSupportedVersion } from '../../../../src/runtime/bus/server/version.ts';
import { startReleaseHost } from '../../../support/release-host.ts';

test.skipIf(!existsSync('/etc/debian_version'))(
  "falls through to the signed package of the machine's own mirror",
  { timeout: 120_000 },
  async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'aipg-debian-'));
    try {
      await using host = await startReleaseHost((_, response) => response.writeHead(404).end());
      const progress: InstallProgress[] = [];
      const server = await ensureBusServer({
        cacheDir,
        env: {},
        release: { baseUrl: host.baseUrl },
        onProgress: (step) => progress.push(step),
      });
      expect(server).toMatchObject({ path: cachedServerPath(cacheDir, server.version), source: 'debian' });
      expect(isSupportedVersion(server.version)).toBe(true);
      expect(progress.map(({ source, step }) => `${source} ${step}`)).toEqual(
        expect.arrayContaining([
          'release failed',
          'debian index',
          'debian download',
          'debian unpack',
          'debian done',
        ]),
      );
      expect(await readdir(serverCacheDir(cacheDir))).toHaveLength(1);
    } finally {
      await rm(cacheDir, { recursive: true, force: true });
    }
  },
);

test.each([
  ['ID=debian\nVERSION_CODENAME=bookworm', 'debian'],
  ['ID=ubuntu\nID_LIKE=debian', 'ubuntu'],
  ['ID=linuxmint\nID_LIKE="ubuntu debian"', 'ubuntu'],
  ['ID=fedora', undefined],
  ['', undefined],
])('knows the distribution of %j', (osRelease, name) => {
  expect(parseDistribution(osRelease)?.name).toBe(name);
});

test("ranks the distribution's most used mirror first and security updates last", () => {
  const sites = [
    'http://security.example/debian-security',
    'http://packages.example/node',
    'http://packages.example/node',
    'http://mirror.example/debian',
    'http://mirror.example/debian',
    'http://other.example/debian',
    '',
  ];
  expect(rankSites(sites, 'debian')).toEqual([
    'http://mirror.example/debian',
    'http://other.example/debian',
    'http://security.example/debian-security',
    'http://packages.example/node',
  ]);
});
