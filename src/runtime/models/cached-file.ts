import type { ModelFile } from '../protocol/model.ts';
import type { CachedModel } from './hub-cache.ts';
import { combineSha256, type HashOptions, sha256Of } from './sha256.ts';

/** A cached model with its hash: the blobs' names where they tell it, else computed. */
export async function cachedModelFile(model: CachedModel, options: HashOptions): Promise<ModelFile> {
  const hashes = [];
  for (const { path, sha256 } of model.parts) hashes.push(sha256 ?? (await sha256Of(path, options)));
  return { name: model.name, path: model.path, sha256: combineSha256(hashes) };
}
