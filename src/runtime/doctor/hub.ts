import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listCachedModels } from '../models/hub-cache.ts';
import { hubCacheDir, hubEndpoint, hubToken, isHubOffline } from '../models/hub-settings.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Check, type Finding, fromError, type Machine } from './check.ts';
import { gigabytes } from './units.ts';

/** The Hugging Face cache and, where it is asked for, the way to the hub. */
export const hub: Check = {
  subject: 'models',
  limitMs: 20_000,
  find: async (machine, signal) => [
    await cache(machine),
    await access(machine).catch((error: unknown) => fromError('hub', error)),
    ...(machine.network
      ? [await reach(machine, signal).catch((error: unknown) => fromError('network', error))]
      : []),
  ],
};

async function cache({ env }: Machine): Promise<Finding> {
  const subject = 'models';
  const path = hubCacheDir(env);
  const folder = await stat(path).catch(() => undefined);
  if (folder && !folder.isDirectory()) {
    throw new AipgError('internal', `${path} is a file where the Hugging Face cache should be.`, {
      hint: 'Move it away, or give another folder by HF_HUB_CACHE.',
    });
  }
  const models = await listCachedModels(env);
  const parts = models.flatMap((model) => model.parts);
  const sizes = await Promise.all(
    parts.map((part) =>
      stat(part.path).then(
        (s) => s.size,
        () => 0,
      ),
    ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const unfinished = await unfinishedDownloads(path);
  const facts = {
    path,
    models: models.map(({ name }) => name),
    bytes,
    unfinishedDownloads: unfinished.length,
  };
  const count = models.length === 1 ? '1 model' : `${models.length} models`;
  const summary = `${count} in ${path}, ${gigabytes(bytes)}`;
  if (unfinished.length === 0) return { subject, status: 'ok', summary, facts };
  return {
    subject,
    status: 'warning',
    summary: `${summary}; ${unfinished.length} unfinished ${unfinished.length === 1 ? 'download' : 'downloads'}`,
    fix: 'Ask for the model again and the download goes on, or delete the .incomplete files in its blobs folder.',
    facts,
  };
}

async function unfinishedDownloads(cacheDir: string): Promise<string[]> {
  const repos = await readdir(cacheDir).catch(() => []);
  const blobs = await Promise.all(
    repos.map((repo) => readdir(join(cacheDir, repo, 'blobs')).catch(() => [])),
  );
  return blobs.flat().filter((name) => name.endsWith('.incomplete'));
}

async function access({ env }: Machine): Promise<Finding> {
  const endpoint = hubEndpoint(env);
  const hasToken = (await hubToken(env)) !== undefined;
  const offline = isHubOffline(env);
  const summary = `${new URL(endpoint).host}, ${hasToken ? 'with' : 'without'} a token${offline ? ', offline by HF_HUB_OFFLINE' : ''}`;
  // A user and password in the address stay here.
  return {
    subject: 'hub',
    status: 'ok',
    summary,
    facts: { host: new URL(endpoint).host, hasToken, offline },
  };
}

async function reach({ env }: Machine, signal: AbortSignal): Promise<Finding> {
  const endpoint = hubEndpoint(env);
  const { host } = new URL(endpoint);
  const startedAt = performance.now();
  const answer = await fetch(`${endpoint}/api/models?limit=1`, { signal }).catch((cause: unknown) => {
    throw new AipgError('model-not-found', `The hub at ${host} cannot be reached (${reason(cause)}).`, {
      hint: 'Check the network, a proxy (NODE_USE_ENV_PROXY=1 makes Node use HTTPS_PROXY), or HF_ENDPOINT.',
    });
  });
  await answer.body?.cancel();
  const tookMs = Math.round(performance.now() - startedAt);
  const facts = { host, status: answer.status, tookMs };
  if (answer.ok)
    return { subject: 'network', status: 'ok', summary: `${host} answers in ${tookMs} ms`, facts };
  return {
    subject: 'network',
    status: 'broken',
    summary: `${host} answers with status ${answer.status}`,
    fix: 'HF_ENDPOINT must speak the API of the Hugging Face hub; a 401 means that HF_TOKEN is not valid.',
    facts,
  };
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause ? String(cause.code) : cause.message;
}
