import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { compareVersions, VERSION_PATTERN } from './version.ts';

const PLATFORM = `${process.platform}-${process.arch}`;
const SUFFIX = process.platform === 'win32' ? '.exe' : '';
const ENTRY = new RegExp(`^nats-server-v(${VERSION_PATTERN})-${PLATFORM}${SUFFIX.replace('.', '\\.')}$`);

/** The folder of the installed servers within the cache. */
export function serverCacheDir(cacheDir: string): string {
  return join(cacheDir, 'nats-server');
}

/** Where a version lives. The platform is in the name because a home folder may be shared by unlike machines. */
export function cachedServerPath(cacheDir: string, version: string): string {
  return join(serverCacheDir(cacheDir), `nats-server-v${version}-${PLATFORM}${SUFFIX}`);
}

/** The installed servers of this platform, newest first. */
export async function listCachedServers(cacheDir: string): Promise<string[]> {
  const names = await readdir(serverCacheDir(cacheDir)).catch(() => []);
  return names
    .flatMap((name) => ENTRY.exec(name)?.[1] ?? [])
    .sort((a, b) => compareVersions(b, a))
    .map((version) => cachedServerPath(cacheDir, version));
}
