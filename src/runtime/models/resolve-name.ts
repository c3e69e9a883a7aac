import { AipgError } from '../protocol/errors.ts';
import type { ModelFile } from '../protocol/model.ts';
import { cachedModelFile } from './cached-file.ts';
import { type CachedModel, listCachedModels } from './hub-cache.ts';
import { BUNDLED_NAME, type NameReference } from './reference.ts';
import type { ResolveOptions } from './resolve.ts';
import { didYouMean, nearest } from './suggest.ts';

const OTHERWISE = 'Give hf:org/repo:QUANT to download one, or the path of a GGUF file.';

/** @throws AipgError `model-not-found` for a name that nothing cached has, `usage` for one that several have */
export async function resolveName({ name }: NameReference, options: ResolveOptions): Promise<ModelFile> {
  const cached = await listCachedModels(options.env);
  const wanted = name.toLowerCase();
  const exact = cached.filter((model) => model.name.toLowerCase() === wanted);
  const matches =
    exact.length > 0 ? exact : cached.filter((model) => model.name.toLowerCase().includes(wanted));
  const [only] = matches;
  if (only === undefined) throw notFound(name, cached);
  if (matches.length > 1) {
    const several =
      exact.length > 0 ? matches.map(({ repo, file }) => `hf:${repo}:${file}`) : namesOf(matches);
    throw new AipgError('usage', `Several models are named ${name}: ${several.join(', ')}.`, {
      hint: 'Give one of them in full.',
    });
  }
  return cachedModelFile(only, options);
}

function notFound(name: string, cached: readonly CachedModel[]): AipgError {
  const names = [BUNDLED_NAME, ...namesOf(cached)];
  // A near miss of the whole name, or of its part without organisation and quant.
  const parts = new Map(
    names.flatMap((full) => [
      [full, full],
      [full.replace(/^.*\//, ''), full],
      [full.replace(/^.*\/|:.*$/g, ''), full],
    ]),
  );
  const near = new Set(nearest(name, parts.keys()).map((part) => parts.get(part) ?? part));
  const suggestion = didYouMean([...near]);
  return new AipgError(
    'model-not-found',
    `No model on this machine is named ${name}. There ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}.`,
    { hint: suggestion === undefined ? OTHERWISE : `${suggestion} ${OTHERWISE}` },
  );
}

function namesOf(models: readonly CachedModel[]): string[] {
  return [...new Set(models.map(({ name }) => name))];
}
