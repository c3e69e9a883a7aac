import { resolve } from 'node:path';
import { expandAlias, readAliases } from './aliases.ts';
import { expandHome } from './hub-settings.ts';
import { locateModel } from './locate.ts';
import { formatModelReference, parseModelReference } from './reference.ts';
import type { LocateOptions } from './resolve.ts';

/**
 * The reference that an alias keeps: one that means the same from every folder and however many models come later. A
 * model of the hub need not be here yet; a name has to mean one that is.
 * @throws AipgError `usage`, `model-not-found`
 */
export async function aliasTarget(text: string, options: LocateOptions): Promise<string> {
  const aliases = options.configDir === undefined ? {} : readAliases({ config: options.configDir });
  const reference = parseModelReference(expandAlias(text, aliases));
  if (reference.form === 'hub' || reference.form === 'bundled') return formatModelReference(reference);
  const model = await locateModel(text, options);
  if (model.form === 'cached') return `hf:${model.repo}:${model.file}`;
  return model.form === 'bundled' ? model.name : resolve(expandHome(model.path, options.env));
}
