import type { ModelFile, Sha256 } from '../protocol/model.ts';
import { bundledModel } from './bundled.ts';
import type { LocatedModel } from './located.ts';
import { combineSha256, type HashOptions, sha256Of } from './sha256.ts';

/** A model of this machine with its hash: what the blobs' names tell is believed, all else is computed. */
export async function locatedFile(model: LocatedModel, options: HashOptions): Promise<ModelFile> {
  if (model.form === 'bundled') return bundledModel();
  return { name: model.name, path: model.path, sha256: combineSha256(await partHashes(model, options)) };
}

/** The hash of each part. @throws AipgError `cancelled` */
export async function partHashes(
  { parts }: Pick<LocatedModel, 'parts'>,
  options: HashOptions,
): Promise<readonly Sha256[]> {
  const hashes: Sha256[] = [];
  for (const { path, sha256 } of parts) hashes.push(sha256 ?? (await sha256Of(path, options)));
  return hashes;
}
