import { AipgError } from '../protocol/errors.ts';
import type { Aliases } from './aliases.ts';
import { type CachedModel, listCachedModels } from './hub-cache.ts';
import { findCached, type LocatedModel, locateBundled } from './located.ts';
import { BUNDLED_NAME, type NameReference, parseModelReference } from './reference.ts';
import { didYouMean, nearest } from './suggest.ts';

const OTHERWISE = 'Give hf:org/repo:QUANT to download one, or the path of a GGUF file.';

/** A name that a model goes by here. Several may mean one. */
interface Candidate {
  readonly name: string;
  /** Equal for names of one model. */
  readonly identity: string;
  readonly locate: () => LocatedModel | Promise<LocatedModel>;
}

/**
 * Finds a model by its name, or by an unambiguous part of a name or alias.
 * @param locateAliased finds what an alias stands for
 * @throws AipgError `model-not-found` for a name that nothing here has, `usage` for one that several have
 */
export async function locateName(
  { name }: NameReference,
  aliases: Aliases,
  env: NodeJS.ProcessEnv,
  locateAliased: (reference: string) => Promise<LocatedModel>,
): Promise<LocatedModel> {
  const cached = await listCachedModels(env);
  const wanted = name.toLowerCase();
  const exact = cached.filter((model) => model.name.toLowerCase() === wanted);
  const candidates = exact.length > 0 ? exact.map(ofCache) : candidatesFor(cached, aliases, locateAliased);
  const matches = candidates.filter((candidate) => candidate.name.toLowerCase().includes(wanted));
  const [only] = matches;
  if (only === undefined) throw notFound(name, [...new Set(candidates.map((candidate) => candidate.name))]);
  if (new Set(matches.map(({ identity }) => identity)).size === 1) return only.locate();
  const several =
    exact.length > 0
      ? exact.map(({ repo, file }) => `hf:${repo}:${file}`)
      : [...new Set(matches.map((match) => match.name))];
  throw new AipgError('usage', `Several models are named ${name}: ${several.join(', ')}.`, {
    hint: 'Give one of them in full.',
  });
}

function candidatesFor(
  cached: readonly CachedModel[],
  aliases: Aliases,
  locateAliased: (reference: string) => Promise<LocatedModel>,
): readonly Candidate[] {
  const named = Object.entries(aliases).map(
    ([alias, reference]): Candidate => ({
      name: alias,
      identity: identityOf(reference, cached),
      locate: () => locateAliased(reference),
    }),
  );
  const bundled = { name: BUNDLED_NAME, identity: BUNDLED_NAME, locate: locateBundled };
  return [...named, bundled, ...cached.map(ofCache)];
}

function ofCache(model: CachedModel): Candidate {
  return { name: model.name, identity: model.path, locate: () => ({ form: 'cached', ...model }) };
}

function identityOf(reference: string, cached: readonly CachedModel[]): string {
  const parsed = parseModelReference(reference);
  return (parsed.form === 'hub' && findCached(parsed, cached)?.path) || reference;
}

function notFound(name: string, names: readonly string[]): AipgError {
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
