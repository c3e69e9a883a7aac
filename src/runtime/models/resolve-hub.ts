import { AipgError, toAipgError } from '../protocol/errors.ts';
import type { ModelFile } from '../protocol/model.ts';
import { cachedModelFile } from './cached-file.ts';
import { chooseFile } from './choose-file.ts';
import { partsOf } from './gguf-files.ts';
import { type CachedModel, listCachedModels, repoFolder } from './hub-cache.ts';
import { type HubFile, openHubRepo } from './hub-client.ts';
import { downloadToCache, writeMainRef } from './hub-download.ts';
import { hubError } from './hub-errors.ts';
import { hubCacheDir, hubEndpoint, isHubOffline } from './hub-settings.ts';
import { PREFERRED_QUANT } from './names.ts';
import { formatModelReference, type HubReference } from './reference.ts';
import type { ResolveOptions } from './resolve.ts';

/**
 * What is cached is used without asking the hub.
 * @throws AipgError `model-not-found`, `model-invalid`, `usage` or `cancelled`
 */
export async function resolveHub(reference: HubReference, options: ResolveOptions): Promise<ModelFile> {
  const cached = findCached(reference, await listCachedModels(options.env));
  if (cached) return cachedModelFile(cached, options);
  const text = formatModelReference(reference);
  if (isHubOffline(options.env)) {
    throw new AipgError(
      'model-not-found',
      `${text} is not in the cache, and HF_HUB_OFFLINE forbids a download.`,
      {
        hint: 'Unset HF_HUB_OFFLINE, or give another model.',
      },
    );
  }
  try {
    return await download(reference, options);
  } catch (error) {
    if (error instanceof AipgError) throw error;
    throw hubError(error, {
      endpoint: hubEndpoint(options.env),
      what: text.slice('hf:'.length),
      signal: options.signal,
    });
  }
}

async function download(reference: HubReference, options: ResolveOptions): Promise<ModelFile> {
  const repo = await openHubRepo(`${reference.org}/${reference.repo}`, options);
  const files = new Map((await repo.files()).map((file) => [file.path, file]));
  const chosen = chooseFile(reference, [...files.keys()]);
  const parts = partsOf(chosen).map((path): HubFile => {
    const file = files.get(path);
    if (!file) throw new AipgError('model-invalid', `${repo.id} lacks a part of ${chosen}: ${path}`);
    return file;
  });
  const folder = repoFolder(hubCacheDir(options.env), repo.id);
  for (const part of parts) await downloadToCache(repo, part, folder, options);
  await writeMainRef(repo, folder);
  const model = (await listCachedModels(options.env)).find(
    (cached) => cached.repo === repo.id && cached.file === chosen,
  );
  if (!model) throw toAipgError(new Error(`${repo.id}:${chosen} is not in the cache after its download`));
  return cachedModelFile(model, options);
}

/** No quant asked for: the preferred one, else the only one, else the hub decides. */
function findCached(
  { org, repo, quant, file }: HubReference,
  cached: readonly CachedModel[],
): CachedModel | undefined {
  const id = `${org}/${repo}`.toLowerCase();
  const here = cached.filter((model) => model.repo.toLowerCase() === id);
  if (file !== undefined) return here.find((model) => model.file === file);
  const wanted = quant ?? (here.length === 1 ? here[0]?.quant : PREFERRED_QUANT);
  const matches = here.filter((model) => model.quant === wanted);
  return matches.length === 1 ? matches[0] : undefined;
}
