import { type Aliases, readAliases } from './aliases.ts';
import { readManyFacts } from './facts-cache.ts';
import type { HeaderFacts } from './header-facts.ts';
import { listCachedModels } from './hub-cache.ts';
import { lastUsed } from './last-used.ts';
import { findCached, type LocatedModel, locateBundled } from './located.ts';
import { quantOf } from './names.ts';
import { BUNDLED_NAME, parseModelReference } from './reference.ts';

/** A model of this machine, as lists show it. */
export interface ListedModel {
  readonly model: LocatedModel;
  readonly aliases: readonly string[];
  /** Undefined when the header cannot be read. */
  readonly facts: HeaderFacts | undefined;
  readonly quant: string | undefined;
  /** Of all parts. */
  readonly bytes: number;
  readonly lastUsed: Date | undefined;
}

export interface ModelsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly configDir: string;
}

/** The bundled model, then every model in the Hugging Face cache, by name. */
export async function listModels({
  env,
  cacheDir,
  configDir,
}: ModelsOptions): Promise<readonly ListedModel[]> {
  const cached = await listCachedModels(env);
  const models: LocatedModel[] = [
    locateBundled(),
    ...cached.map((model) => ({ form: 'cached' as const, ...model })),
  ];
  const aliases = readAliases({ config: configDir });
  const facts = await readManyFacts(
    models.map(({ parts }) => parts.map(({ path }) => path)),
    cacheDir,
  );
  return models.map((model, index) => ({
    model,
    aliases: aliasesOf(model, aliases, models),
    facts: facts[index]?.facts,
    quant: quantOfModel(model, facts[index]?.facts),
    bytes: facts[index]?.bytes ?? 0,
    lastUsed: lastUsed(cacheDir, model.path),
  }));
}

/** By the name of the file, which tells variants apart; else by the header. */
export function quantOfModel(model: LocatedModel, facts: HeaderFacts | undefined): string | undefined {
  return quantOf(model.form === 'cached' ? model.file : model.path) ?? facts?.quant ?? undefined;
}

/** The aliases by which the user calls a model. */
export function aliasesOf(
  model: LocatedModel,
  aliases: Aliases,
  models: readonly LocatedModel[],
): readonly string[] {
  const cached = models.filter((other) => other.form === 'cached');
  return Object.keys(aliases).filter((alias) => {
    const target = aliases[alias] ?? '';
    if (model.form === 'bundled') return target === BUNDLED_NAME;
    const reference = parseModelReference(target);
    if (reference.form === 'path') return reference.path === model.path;
    return reference.form === 'hub' && findCached(reference, cached)?.path === model.path;
  });
}
