import { changeSettings } from '../config/change-settings.ts';
import type { Paths } from '../config/paths.ts';
import { aliasSchema, readSettings } from '../config/settings.ts';
import { AipgError } from '../protocol/errors.ts';
import { BUNDLED_NAME } from './reference.ts';
import { didYouMean, nearest } from './suggest.ts';

/** Model references by the name that the user gave them. */
export type Aliases = Readonly<Record<string, string>>;

/** @throws AipgError `usage` when the settings are broken */
export function readAliases(paths: Pick<Paths, 'config'>): Aliases {
  return readSettings(paths).aliases;
}

/** What an alias stands for, upper and lower case being equal; any other text, and none, as it is. */
export function expandAlias<T extends string | undefined>(text: T, aliases: Aliases): T | string {
  if (text === undefined || text === BUNDLED_NAME) return text;
  const wanted = text.toLowerCase();
  const name = Object.keys(aliases).find((alias) => alias.toLowerCase() === wanted);
  return name === undefined ? text : (aliases[name] as string);
}

/**
 * Gives a model reference another name; one that there was by this name is replaced.
 * @throws AipgError `usage` for a name that means something else
 */
export async function setAlias(paths: Paths, name: string, reference: string): Promise<Aliases> {
  const valid = aliasSchema.safeParse(name);
  if (!valid.success) throw new AipgError('usage', `The alias ${name} ${valid.error.issues[0]?.message}.`);
  if (name.toLowerCase() === BUNDLED_NAME) {
    throw new AipgError('usage', `${BUNDLED_NAME} is the bundled model; it cannot mean another.`, {
      hint: 'Choose another alias.',
    });
  }
  const settings = await changeSettings(paths, ({ aliases, ...rest }) => ({
    ...rest,
    aliases: { ...without(aliases, name), [name]: reference },
  }));
  return settings.aliases;
}

/** @throws AipgError `usage` when there is no such alias */
export async function removeAlias(paths: Paths, name: string): Promise<Aliases> {
  const settings = await changeSettings(paths, ({ aliases, ...rest }) => {
    const left = without(aliases, name);
    if (Object.keys(left).length === Object.keys(aliases).length) throw unknownAlias(name, aliases);
    return { ...rest, aliases: left };
  });
  return settings.aliases;
}

function without(aliases: Aliases, name: string): Record<string, string> {
  const wanted = name.toLowerCase();
  return Object.fromEntries(Object.entries(aliases).filter(([alias]) => alias.toLowerCase() !== wanted));
}

function unknownAlias(name: string, aliases: Aliases): AipgError {
  const known = Object.keys(aliases);
  return new AipgError('usage', `There is no alias named ${name}.`, {
    hint:
      didYouMean(nearest(name, known)) ??
      (known.length > 0 ? `There are ${known.join(', ')}.` : 'Make one: aipg models alias NAME MODEL'),
  });
}
