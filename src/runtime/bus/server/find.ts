import { access, constants, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import process from 'node:process';
import { AipgError } from '../../protocol/errors.ts';
import type { BusServer } from './bus-server.ts';
import { listCachedServers } from './cache.ts';
import { throwIfCancelled } from './cancel.ts';
import { probeBusServer } from './probe.ts';
import { MIN_BUS_SERVER_VERSION } from './version.ts';

/** The variable with which a user names the nats-server to run. */
export const BUS_SERVER_VARIABLE = 'AIPG_NATS_SERVER';

export interface FindBusServerOptions {
  /** Our folder in the user's cache; need not exist. */
  readonly cacheDir: string;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The outcome of a search: the server, if any, and what was passed over before it, one line each. */
export interface BusServerSearch {
  readonly server: BusServer | undefined;
  readonly passedOver: readonly string[];
}

/**
 * The first usable nats-server of: `AIPG_NATS_SERVER`, PATH, the cache. Fetches nothing.
 * @throws AipgError `bus-server-missing` or `bus-server-too-old` when `AIPG_NATS_SERVER` names one that won't do
 *   (what the user chose is never replaced silently); `cancelled`
 */
export async function findBusServer(options: FindBusServerOptions): Promise<BusServer | undefined> {
  return (await searchBusServer(options)).server;
}

/** {@link findBusServer} with its reasons. */
export async function searchBusServer(options: FindBusServerOptions): Promise<BusServerSearch> {
  const { cacheDir, env = process.env, signal } = options;
  throwIfCancelled(signal, 'the search for nats-server');
  const chosen = env[BUS_SERVER_VARIABLE];
  if (chosen) return { server: await probeChosen(resolve(chosen), signal), passedOver: [] };

  const passedOver: string[] = [];
  const candidates = [
    ...(await listOnPath(env)).map((path) => ({ path, source: 'path' as const })),
    ...(await listCachedServers(cacheDir)).map((path) => ({ path, source: 'cache' as const })),
  ];
  for (const { path, source } of candidates) {
    const probe = await probeBusServer(path, signal);
    if (probe.ok) return { server: { path, version: probe.version, source }, passedOver };
    passedOver.push(`${path} ${probe.problem}`);
  }
  return { server: undefined, passedOver };
}

async function probeChosen(path: string, signal: AbortSignal | undefined): Promise<BusServer> {
  const probe = await probeBusServer(path, signal);
  if (probe.ok) return { path, version: probe.version, source: 'env' };
  throw new AipgError(
    probe.reason === 'too-old' ? 'bus-server-too-old' : 'bus-server-missing',
    `The nats-server that ${BUS_SERVER_VARIABLE} names (${path}) ${probe.problem}.`,
    {
      hint: `Point ${BUS_SERVER_VARIABLE} at a nats-server of ${MIN_BUS_SERVER_VERSION} or newer, or unset it to let aipg find one.`,
    },
  );
}

async function listOnPath(env: NodeJS.ProcessEnv): Promise<string[]> {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const paths = [...new Set(folders.map((folder) => resolve(folder, name)))];
  const usable = await Promise.all(paths.map(isExecutableFile));
  return paths.filter((_, index) => usable[index]);
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
