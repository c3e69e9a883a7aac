import { AipgError } from '../protocol/errors.ts';
import { expandAlias, readAliases } from './aliases.ts';
import { listCachedModels } from './hub-cache.ts';
import { isHubOffline } from './hub-settings.ts';
import { locateName } from './locate-name.ts';
import { locatePath } from './locate-path.ts';
import { type CachedLocated, findCached, type LocatedModel, locateBundled } from './located.ts';
import { formatModelReference, type HubReference, parseModelReference } from './reference.ts';
import type { LocateOptions } from './resolve.ts';

/**
 * Finds what a reference, an alias or a part of a name means on this machine.
 * @throws AipgError `usage`, `model-not-found`, `model-invalid`
 */
export async function locateModel(text: string | undefined, options: LocateOptions): Promise<LocatedModel> {
  const aliases = options.configDir === undefined ? {} : readAliases({ config: options.configDir });
  const reference = parseModelReference(expandAlias(text, aliases));
  switch (reference.form) {
    case 'bundled':
      return locateBundled();
    case 'path':
      return locatePath(reference, options);
    case 'name':
      // An alias stands for a reference, never for another alias.
      return locateName(reference, aliases, options.env, (target) =>
        locateModel(target, { env: options.env }),
      );
    case 'hub': {
      const found = await locateHub(reference, options);
      if (found) return found;
      throw missingModel(reference, options);
    }
  }
}

/** What the cache has of a reference to the hub; undefined where that must decide. */
export async function locateHub(
  reference: HubReference,
  { env }: LocateOptions,
): Promise<CachedLocated | undefined> {
  const found = findCached(reference, await listCachedModels(env));
  return found && { form: 'cached', ...found };
}

/** What to do about a model of the hub that is not here. */
export function missingModel(reference: HubReference, { env }: LocateOptions): AipgError {
  const text = formatModelReference(reference);
  if (isHubOffline(env)) return offline(text);
  return new AipgError('model-not-found', `${text} is not on this machine.`, {
    hint: `Get it first: aipg models pull ${text}`,
  });
}

export function offline(text: string): AipgError {
  return new AipgError(
    'model-not-found',
    `${text} is not in the cache, and HF_HUB_OFFLINE forbids a download.`,
    { hint: 'Unset HF_HUB_OFFLINE, or give another model.' },
  );
}
