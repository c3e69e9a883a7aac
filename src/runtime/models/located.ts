import { BUNDLED_SHA256, bundledModel } from './bundled.ts';
import type { CachedModel, CachedPart } from './hub-cache.ts';
import { PREFERRED_QUANT } from './names.ts';
import type { HubReference } from './reference.ts';

/** A model that lies on this machine. Nothing of it has been read but that it is there. */
export type LocatedModel = BundledLocated | PathLocated | CachedLocated;

interface Located {
  readonly name: CachedModel['name'];
  /** Of the first part. */
  readonly path: string;
  readonly parts: readonly CachedPart[];
}
export interface BundledLocated extends Located {
  readonly form: 'bundled';
}
/** A file outside the cache. */
export interface PathLocated extends Located {
  readonly form: 'path';
}
export interface CachedLocated extends Located, CachedModel {
  readonly form: 'cached';
}

export function locateBundled(): BundledLocated {
  const { name, path } = bundledModel();
  return { form: 'bundled', name, path, parts: [{ path, sha256: BUNDLED_SHA256 }] };
}

/** No quant asked for: the preferred one, else the only one, else the hub decides. */
export function findCached(
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
