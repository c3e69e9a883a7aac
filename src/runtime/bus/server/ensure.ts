import process from 'node:process';
import { AipgError } from '../../protocol/errors.ts';
import type { BusServer, InstallSource, OnInstallProgress } from './bus-server.ts';
import { throwIfCancelled } from './cancel.ts';
import { fetchDebian } from './debian.ts';
import { BUS_SERVER_VARIABLE, type FindBusServerOptions, searchBusServer } from './find.ts';
import { installServer } from './install.ts';
import { type FetchOptions, fetchRelease, type ReleaseOptions } from './release.ts';
import { MIN_BUS_SERVER_VERSION } from './version.ts';

export interface EnsureBusServerOptions extends FindBusServerOptions {
  /** The ways to fetch a server, in order. Default: release, debian. */
  readonly sources?: readonly InstallSource[] | undefined;
  readonly release?: ReleaseOptions | undefined;
  readonly onProgress?: OnInstallProgress | undefined;
}

const SOURCES: readonly InstallSource[] = ['release', 'debian'];

/**
 * A usable nats-server: the one that {@link searchBusServer} finds, else one fetched into the cache, once.
 * @throws AipgError `bus-server-missing` with every reason when nothing worked, and what findBusServer throws
 */
export async function ensureBusServer(options: EnsureBusServerOptions): Promise<BusServer> {
  const { server, passedOver } = await searchBusServer(options);
  if (server !== undefined) return server;

  const { cacheDir, env = process.env, signal, onProgress = () => {} } = options;
  const reasons = passedOver.length > 0 ? [...passedOver] : ['none on PATH or in the cache'];
  for (const source of options.sources ?? SOURCES) {
    try {
      const fetch = (stagingDir: string) =>
        fetchFrom(source, { stagingDir, env, signal, onProgress }, options.release);
      const { path, version } = await installServer({ cacheDir, signal, fetch });
      onProgress({ source, step: 'done', detail: version });
      return { path, version, source };
    } catch (error) {
      throwIfCancelled(signal, 'the installation of nats-server');
      const detail = describe(error);
      reasons.push(`${source}: ${detail}`);
      onProgress({ source, step: 'failed', detail });
    }
  }
  throw new AipgError('bus-server-missing', `No nats-server is to be had (${reasons.join('; ')}).`, {
    hint: hint(),
  });
}

function fetchFrom(
  source: InstallSource,
  fetch: FetchOptions,
  release: ReleaseOptions | undefined,
): Promise<string> {
  return source === 'release' ? fetchRelease(fetch, release) : fetchDebian(fetch);
}

/** One line; a network error may carry a code alone. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return (error.message || code).replaceAll(/\s*\n\s*/g, ' ');
}

function hint(): string {
  const install =
    process.platform === 'darwin'
      ? 'Run `brew install nats-server`'
      : `Install nats-server ${MIN_BUS_SERVER_VERSION} or newer (https://github.com/nats-io/nats-server/releases)`;
  return `${install}, or set ${BUS_SERVER_VARIABLE} to the path of one.`;
}
