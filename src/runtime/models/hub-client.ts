import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AipgError } from '../protocol/errors.ts';
import { HubRefusal, hubError, isTransient, retryAfterMs } from './hub-errors.ts';
import { hubEndpoint, hubToken } from './hub-settings.ts';

/** A file as the hub lists it. Paths and hashes become names of files here, so that nothing else may be in them. */
const hubFileSchema = z.object({
  /** Within the repository. */
  path: z.string().max(4_096).refine(isPlainPath),
  bytes: z.number().int().nonnegative(),
  /** The git object's id (sha1). */
  oid: hash(40),
  /** The LFS object's id: the sha256 of the content. */
  sha256: hash(64),
});
export type HubFile = z.infer<typeof hubFileSchema>;

/** Whether a path stays within its folder, and cannot act on a terminal. */
function isPlainPath(path: string): boolean {
  if (/[\\\p{Cc}]/u.test(path)) return false;
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

function hash(digits: number) {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`);
  return z.string().regex(pattern).optional().catch(undefined);
}

/** One repository of the hub at one commit. */
export interface HubRepo {
  /** `org/repo`. */
  readonly id: string;
  readonly endpoint: string;
  readonly commit: string;
  /** As its card says. */
  readonly license: string | undefined;
  files(): Promise<readonly HubFile[]>;
  /** The content from `start` on, in bytes. Rejects with what went wrong on the wire; the caller goes on or gives up. */
  open(path: string, start: number): Promise<ReadableStream<Uint8Array>>;
  /** The bytes from `start` to before `end`, by a range request; never more, whatever the hub sends. */
  read(path: string, start: number, end: number): Promise<Uint8Array>;
}

export interface HubOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** The pauses before asking again after a failure that may pass, in ms. */
  readonly retryWaitsMs?: readonly number[] | undefined;
  /** Called before such a pause, with its length in ms. */
  readonly onRetry?: ((waitMs: number) => void) | undefined;
}

const RETRY_WAITS_MS = [500, 2_000, 5_000];
const ANSWER_TIMEOUT_MS = 30_000;
/** How long a range may take to come whole. */
const RANGE_TIMEOUT_MS = 60_000;
const MAX_FILES = 50_000;
/** The longest pause that the hub may ask for; a longer one is told to the user. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Finds the newest commit of a repository. @throws AipgError, as every method, that says what is wrong and what to do */
export async function openHubRepo(id: string, options: HubOptions): Promise<HubRepo> {
  const endpoint = hubEndpoint(options.env);
  const { downloadFile, listFiles, modelInfo } = await import('@huggingface/hub');
  const shared = {
    hubUrl: endpoint,
    fetch: hubFetch(endpoint, await hubToken(options.env), options.signal),
  };
  const repo = { type: 'model', name: id } as const;
  const { sha: commit, tags } = await retrying(id, endpoint, options, () =>
    modelInfo({ ...shared, name: id, revision: 'main', additionalFields: ['sha', 'tags'] }),
  );
  // It becomes the name of a folder.
  if (!/^[0-9a-f]{40}$/.test(commit)) {
    throw new AipgError('model-not-found', `The hub at ${endpoint} gives no commit of ${id}`, {
      hint: 'HF_ENDPOINT must speak the API of the Hugging Face hub.',
    });
  }
  return {
    id,
    endpoint,
    commit,
    license: licenseOf(tags),
    files: () =>
      retrying(id, endpoint, options, async () => {
        const files: HubFile[] = [];
        for await (const { type, path, size, oid, lfs } of listFiles({
          ...shared,
          repo,
          revision: commit,
          recursive: true,
        })) {
          const file = { path, bytes: lfs?.size ?? size, oid, sha256: lfs?.oid };
          const listed = type === 'file' ? hubFileSchema.safeParse(file) : undefined;
          if (listed?.success) files.push(listed.data);
          if (files.length === MAX_FILES) break;
        }
        return files;
      }),
    async open(path, start) {
      const content = await blob(path);
      // A Blob's own type says Uint8Array of an unknown buffer.
      return (start === 0 ? content : content.slice(start, content.size)).stream();
    },
    read: (path, start, end) =>
      retrying(`${id}:${path}`, endpoint, options, async () =>
        firstBytes((await blob(path)).slice(start, end).stream(), end - start, options.signal),
      ),
  };

  /** Where the content lies now: an address may hold for minutes only, so that it is asked for each time. */
  async function blob(path: string): Promise<Blob> {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    const found = await downloadFile({ ...shared, repo, revision: commit, path: encoded });
    if (!found) throw new AipgError('model-not-found', `${id} has no file ${path} any more`);
    return found;
  }
}

function licenseOf(tags: unknown): string | undefined {
  const found = z
    .array(z.string())
    .safeParse(tags)
    .data?.find((tag) => tag.startsWith('license:'));
  return found?.slice('license:'.length);
}

/** @throws Error when the stream ends before, or takes too long */
async function firstBytes(
  stream: ReadableStream<Uint8Array>,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const late = AbortSignal.timeout(RANGE_TIMEOUT_MS);
  const until = signal ? AbortSignal.any([signal, late]) : late;
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of Readable.fromWeb(stream, { signal: until })) {
    chunks.push(chunk);
    received += chunk.length;
    if (received >= count) break;
  }
  if (received < count) throw new Error(`the answer ended after ${received} of ${count} bytes`);
  return Buffer.concat(chunks).subarray(0, count);
}

/** Repeats what failed for a reason that may pass. @throws AipgError */
export async function retrying<T>(
  what: string,
  endpoint: string,
  { signal, retryWaitsMs = RETRY_WAITS_MS, onRetry }: HubOptions,
  action: () => Promise<T>,
  /** Whether the failed try got further than the one before, so that it does not count. */
  hasProgressed: () => boolean = () => false,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await action();
    } catch (error) {
      if (hasProgressed()) failures = 0;
      const asked = retryAfterMs(error);
      const pause = retryWaitsMs[failures];
      if (signal?.aborted || pause === undefined || !isTransient(error) || asked > MAX_RETRY_AFTER_MS) {
        throw hubError(error, { endpoint, what, signal });
      }
      const wait = Math.max(pause, asked);
      onRetry?.(wait);
      await delay(wait, undefined, signal ? { signal } : {}).catch((cause) => {
        throw hubError(cause, { endpoint, what, signal });
      });
    }
  }
}

/**
 * The library sends its token to wherever a file lies and takes no token of a mirror's own form; so it gets none, and
 * requests to the hub itself are signed here. fetch drops the header when it is redirected to another origin.
 */
function hubFetch(
  endpoint: string,
  token: string | undefined,
  signal: AbortSignal | undefined,
): typeof fetch {
  const { origin } = new URL(endpoint);
  return async (input, init) => {
    const request = new Request(input, init);
    if (token !== undefined && new URL(request.url).origin === origin) {
      request.headers.set('authorization', `Bearer ${token}`);
    }
    request.headers.set('user-agent', 'aipg');
    const answer = new AbortController();
    const timer = setTimeout(
      () => answer.abort(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1_000} s`)),
      ANSWER_TIMEOUT_MS,
    );
    try {
      const response = await fetch(request, {
        signal: signal ? AbortSignal.any([signal, answer.signal]) : answer.signal,
      });
      const refusal = HubRefusal.of(response);
      if (!refusal) return response;
      await response.body?.cancel();
      throw refusal;
    } finally {
      clearTimeout(timer);
    }
  };
}
