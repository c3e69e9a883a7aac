import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import process from 'node:process';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface DownloadTimeouts {
  /** Each of name look-up, TCP connect and TLS handshake. */
  readonly connectMs: number;
  /** Silence, before the first byte or between two. */
  readonly idleMs: number;
}

export interface DownloadOptions {
  readonly url: string;
  /** The file to write; removed again when the download fails. */
  readonly file: string;
  /** Expected digest, lower-case hex. */
  readonly sha256: string;
  /** More than this is refused. */
  readonly maxBytes: number;
  readonly timeouts?: DownloadTimeouts | undefined;
  /** Read for the usual proxy variables. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: (bytes: number, total: number | undefined) => void;
}

const TIMEOUTS: DownloadTimeouts = { connectMs: 4_000, idleMs: 15_000 };
const TOTAL_TIMEOUT_MS = 15 * 60_000;

/** Streams a file to disk and checks its digest. @throws Error that says in one line what went wrong */
export async function download(options: DownloadOptions): Promise<void> {
  try {
    const digest = await fetchTo(options);
    if (digest !== options.sha256) {
      throw new Error(`wrong sha256 of ${options.url}: expected ${options.sha256}, got ${digest}`);
    }
  } catch (error) {
    await rm(options.file, { force: true });
    throw error;
  }
}

async function fetchTo({
  url,
  file,
  maxBytes,
  signal,
  onBytes,
  ...options
}: DownloadOptions): Promise<string> {
  const { default: got } = await import('got');
  const { connectMs, idleMs } = options.timeouts ?? TIMEOUTS;
  const proxyEnv = options.env ?? process.env;
  const request = got.stream(url, {
    agent: { http: new HttpAgent({ proxyEnv }), https: new HttpsAgent({ proxyEnv }) },
    decompress: false,
    retry: { limit: 0 },
    timeout: {
      lookup: connectMs,
      connect: connectMs,
      secureConnect: connectMs,
      response: idleMs,
      socket: idleMs,
      request: TOTAL_TIMEOUT_MS,
    },
    ...(signal === undefined ? {} : { signal }),
  });
  let total: number | undefined;
  request.on('downloadProgress', (progress: { total?: number }) => {
    total = progress.total;
  });
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (Math.max(bytes, total ?? 0) > maxBytes) {
        done(new Error(`${url} is larger than ${maxBytes} bytes`));
        return;
      }
      hash.update(chunk);
      onBytes?.(bytes, total);
      done(null, chunk);
    },
  });
  await pipeline(request, meter, createWriteStream(file, { flags: 'wx' }));
  return hash.digest('hex');
}
