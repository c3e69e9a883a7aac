import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedServerPath, serverCacheDir } from './cache.ts';
import { probeBusServer } from './probe.ts';

export interface InstallOptions {
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
  /** Puts an executable somewhere below the given empty folder and returns its path. */
  readonly fetch: (stagingDir: string) => Promise<string>;
}

const STAGING_PREFIX = '.staging-';
/** Far longer than an installation takes, so what is older was left by a killed process. */
const STAGING_MAX_AGE_MS = 3_600_000;

/**
 * Installs a nats-server into the cache: fetched into a private folder, tried there, then renamed into place, so that
 * neither a crash nor a second installer at the same time leaves anything that does not work.
 * @throws Error in one line
 */
export async function installServer(options: InstallOptions): Promise<{ path: string; version: string }> {
  const { cacheDir, signal, fetch } = options;
  const folder = serverCacheDir(cacheDir);
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const staging = await mkdtemp(join(folder, STAGING_PREFIX));
  try {
    const staged = await fetch(staging);
    await chmod(staged, 0o755);
    const probe = await probeBusServer(staged, signal);
    if (!probe.ok) throw new Error(`the fetched nats-server ${probe.problem}`);
    const path = cachedServerPath(cacheDir, probe.version);
    await moveInto(staged, path);
    return { path, version: probe.version };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function moveInto(staged: string, path: string): Promise<void> {
  try {
    await rename(staged, path);
  } catch (error) {
    // Windows keeps a running executable in place: then the same version is already there, from someone else.
    if (!(await probeBusServer(path)).ok) throw error;
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(STAGING_PREFIX)) continue;
    const path = join(folder, name);
    const modified = await stat(path).then(
      (stats) => stats.mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - modified > STAGING_MAX_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}
