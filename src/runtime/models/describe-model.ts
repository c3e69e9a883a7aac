import { stat } from 'node:fs/promises';
import type { ModelName } from '../protocol/model.ts';
import { expandAlias, readAliases } from './aliases.ts';
import { readHeaders } from './facts-cache.ts';
import { chatTemplateOf, factsOf, type HeaderFacts } from './header-facts.ts';
import { lastUsed } from './last-used.ts';
import { aliasesOf, type ModelsOptions, quantOfModel } from './list-models.ts';
import { locateHub, locateModel } from './locate.ts';
import type { LocatedModel } from './located.ts';
import { partHashes } from './located-file.ts';
import { planPull } from './plan-pull.ts';
import { parseModelReference } from './reference.ts';
import { combineSha256 } from './sha256.ts';

/** All that can be told of a model without loading it. */
export interface ModelDetails {
  readonly name: ModelName;
  /** Where it lies: with aipg, in the Hugging Face cache, in a file of the user's, or not on this machine yet. */
  readonly where: 'bundled' | 'cache' | 'file' | 'hub';
  /** Of the first part; undefined for one of the hub. */
  readonly path: string | undefined;
  readonly aliases: readonly string[];
  readonly facts: HeaderFacts;
  readonly quant: string | undefined;
  readonly license: string | undefined;
  readonly chatTemplate: string | undefined;
  /** Of all parts. */
  readonly bytes: number;
  readonly parts: readonly PartDetails[];
  /** By which grids tell models apart: the file's own, or that of the parts' hashes. */
  readonly sha256: string | undefined;
  readonly lastUsed: Date | undefined;
}

export interface PartDetails {
  /** On this machine, or within the repository. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string | undefined;
}

export interface DescribeOptions extends ModelsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((waitMs: number) => void) | undefined;
}

/**
 * The facts of a model by its name, alias, path or reference; of one that is not here, by asking the hub.
 * @throws AipgError `model-not-found`, `model-invalid`, `usage` or `cancelled`
 */
export async function describeModel(
  text: string | undefined,
  options: DescribeOptions,
): Promise<ModelDetails> {
  const reference = parseModelReference(expandAlias(text, readAliases({ config: options.configDir })));
  if (reference.form === 'hub' && !(await locateHub(reference, options))) {
    const { name, facts, quant, license, chatTemplate, bytes, parts } = await planPull(reference, options);
    return {
      name,
      where: 'hub',
      path: undefined,
      aliases: [],
      facts,
      quant,
      license,
      chatTemplate,
      bytes,
      parts: parts.map((part) => ({ path: part.path, bytes: part.bytes, sha256: part.sha256 })),
      sha256: undefined,
      lastUsed: undefined,
    };
  }
  return describeLocated(await locateModel(text, options), options);
}

async function describeLocated(model: LocatedModel, options: DescribeOptions): Promise<ModelDetails> {
  const headers = await readHeaders(model.parts.map(({ path }) => path));
  const facts = factsOf(model.path, headers);
  const hashes = await partHashes(model, options);
  const parts = await Promise.all(
    model.parts.map(async ({ path }, index) => ({
      path,
      bytes: (await stat(path)).size,
      sha256: hashes[index],
    })),
  );
  return {
    name: model.name,
    where: ({ bundled: 'bundled', cached: 'cache', path: 'file' } as const)[model.form],
    path: model.path,
    aliases: aliasesOf(model, readAliases({ config: options.configDir }), [model]),
    facts,
    quant: quantOfModel(model, facts),
    license: facts.license ?? undefined,
    chatTemplate: chatTemplateOf(headers[0]),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts,
    sha256: combineSha256(hashes),
    lastUsed: lastUsed(options.cacheDir, model.path),
  };
}
