import { realpath } from 'node:fs/promises';
import type { Sha256 } from '../protocol/model.ts';
import { isModelPath, partsOf } from './gguf-files.ts';
import { listCachedModels } from './hub-cache.ts';
import { type LocatedModel, locateBundled } from './located.ts';
import { pathModelName } from './names.ts';
import { combineSha256, knownFiles } from './sha256.ts';

export interface FindOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where hashes of files are remembered: `Paths.cache`. */
  readonly cacheDir: string;
}

/**
 * The models of this machine whose hash is known without reading a file: the bundled one, those in the Hugging Face
 * cache whose blobs are named by it, and files that were hashed here before and have not changed since.
 */
export async function modelsBySha256({
  env,
  cacheDir,
}: FindOptions): Promise<ReadonlyMap<Sha256, LocatedModel>> {
  const found = new Map<Sha256, LocatedModel>();
  const add = (model: LocatedModel, hashes: readonly (Sha256 | undefined)[]) => {
    if (!hashes.every((hash) => hash !== undefined)) return;
    const sha256 = combineSha256(hashes);
    if (!found.has(sha256)) found.set(sha256, model);
  };
  const bundled = bundledOrNone();
  if (bundled) add(bundled, [bundled.parts[0]?.sha256]);
  const known = await knownFiles(cacheDir);
  for (const model of await listCachedModels(env)) {
    const hashes = model.parts.map(async ({ path, sha256 }) => sha256 ?? known.get(await realpath(path)));
    add({ form: 'cached', ...model }, await Promise.all(hashes));
  }
  for (const path of known.keys()) {
    if (!isModelPath(path)) continue;
    const parts = partsOf(path).map((part) => ({ path: part, sha256: known.get(part) }));
    add(
      { form: 'path', name: pathModelName(path), path, parts },
      parts.map(({ sha256 }) => sha256),
    );
  }
  return found;
}

/** A package without its model is another command's to complain of. */
function bundledOrNone(): LocatedModel | undefined {
  try {
    return locateBundled();
  } catch {
    return undefined;
  }
}
