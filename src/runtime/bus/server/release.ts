import { join } from 'node:path';
import process from 'node:process';
import type { OnInstallProgress } from './bus-server.ts';
import { type DownloadTimeouts, download } from './download.ts';
import { pinnedRelease, type ReleaseAsset } from './release-pins.ts';
import { unpackMember } from './unpack.ts';

export const RELEASE_BASE_URL = 'https://github.com/nats-io/nats-server/releases/download';

/** How the official release is fetched; every default is right outside of tests and mirrors. */
export interface ReleaseOptions {
  /** Archives are at `<base URL>/v<version>/<name>`. */
  readonly baseUrl?: string | undefined;
  readonly asset?: ReleaseAsset | undefined;
  readonly timeouts?: DownloadTimeouts | undefined;
}

export interface FetchOptions {
  readonly stagingDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnInstallProgress;
}

/** Three times the size of the release's archives. */
const MAX_ARCHIVE_BYTES = 24 * 1024 * 1024;

/** Fetches the official release's executable into the staging folder. @throws Error in one line */
export async function fetchRelease(fetch: FetchOptions, options: ReleaseOptions = {}): Promise<string> {
  const { stagingDir, env, signal, onProgress } = fetch;
  const asset = options.asset ?? pinnedRelease();
  if (asset === undefined) throw new Error(`no pinned release for ${process.platform}-${process.arch}`);
  const url = `${options.baseUrl ?? RELEASE_BASE_URL}/v${asset.version}/${asset.name}`;
  const archive = join(stagingDir, asset.name);
  onProgress({ source: 'release', step: 'connect', detail: url });
  await download({
    url,
    file: archive,
    sha256: asset.sha256,
    maxBytes: MAX_ARCHIVE_BYTES,
    timeouts: options.timeouts,
    env,
    signal,
    onBytes: (bytes, total) =>
      onProgress({ source: 'release', step: 'download', bytes, ...(total === undefined ? {} : { total }) }),
  });
  onProgress({ source: 'release', step: 'unpack', detail: asset.name });
  const file = join(stagingDir, process.platform === 'win32' ? 'nats-server.exe' : 'nats-server');
  await unpackMember({ archive, member: asset.member, file, signal });
  return file;
}
