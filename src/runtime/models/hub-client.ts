import { setTimeout as delay } from 'node:timers/promises';
import { AipgError } from '../protocol/errors.ts';
import { hubError, isTransient } from './hub-errors.ts';
import { hubEndpoint, hubToken } from './hub-settings.ts';

/** A file as the hub lists it. */
export interface HubFile {
  /** Within the repository. */
  readonly path: string;
  readonly bytes: number;
  /** The git object's id (sha1). */
  readonly oid: string | undefined;
  /** The LFS object's id: the sha256 of the content. */
  readonly sha256: string | undefined;
}

/** One repository of the hub at one commit. */
export interface HubRepo {
  /** `org/repo`. */
  readonly id: string;
  readonly endpoint: string;
  readonly commit: string;
  files(): Promise<readonly HubFile[]>;
  /** The content from `start` on, in bytes. Rejects with what went wrong on the wire; the caller goes on or gives up. */
  open(path: string, start: number): Promise<ReadableStream<Uint8Array>>;
}

export interface HubOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** The pauses before asking again after a failure that may pass, in ms. */
  readonly retryWaitsMs?: readonly number[] | undefined;
}

const RETRY_WAITS_MS = [500, 2_000, 5_000];
const ANSWER_TIMEOUT_MS = 30_000;
const MAX_FILES = 50_000;

/** Finds the newest commit of a repository. @throws AipgError, as every method, that says what is wrong and what to do */
export async function openHubRepo(id: string, options: HubOptions): Promise<HubRepo> {
  const endpoint = hubEndpoint(options.env);
  const { downloadFile, listFiles, modelInfo } = await import('@huggingface/hub');
  const shared = {
    hubUrl: endpoint,
    fetch: hubFetch(endpoint, await hubToken(options.env), options.signal),
  };
  const repo = { type: 'model', name: id } as const;
  const { sha: commit } = await retrying(id, endpoint, options, () =>
    modelInfo({ ...shared, name: id, revision: 'main', additionalFields: ['sha'] }),
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
    files: () =>
      retrying(id, endpoint, options, async () => {
        const files: HubFile[] = [];
        for await (const { type, path, size, oid, lfs } of listFiles({
          ...shared,
          repo,
          revision: commit,
          recursive: true,
        })) {
          if (type === 'file') files.push({ path, bytes: lfs?.size ?? size, oid, sha256: lfs?.oid });
          if (files.length === MAX_FILES) break;
        }
        return files;
      }),
    async open(path, start) {
      const encoded = path.split('/').map(encodeURIComponent).join('/');
      const blob = await downloadFile({ ...shared, repo, revision: commit, path: encoded });
      if (!blob) throw new AipgError('model-not-found', `${id} has no file ${path} any more`);
      // A Blob's own type says Uint8Array of an unknown buffer.
      return (start === 0 ? blob : blob.slice(start, blob.size)).stream();
    },
  };
}

/** Repeats what failed for a reason that may pass. @throws AipgError */
export async function retrying<T>(
  what: string,
  endpoint: string,
  { signal, retryWaitsMs = RETRY_WAITS_MS }: HubOptions,
  action: () => Promise<T>,
  /** Whether the failed try got further than the one before, so that it does not count. */
  hasProgressed: () => boolean = () => false,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await action();
    } catch (error) {
      if (hasProgressed()) failures = 0;
      const wait = retryWaitsMs[failures];
      if (signal?.aborted || wait === undefined || !isTransient(error)) {
        throw hubError(error, { endpoint, what, signal });
      }
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
      return await fetch(request, {
        signal: signal ? AbortSignal.any([signal, answer.signal]) : answer.signal,
      });
    } finally {
      clearTimeout(timer);
    }
  };
}
