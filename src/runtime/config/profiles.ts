import { AipgError } from '../protocol/errors.ts';
import { changeSettings } from './change-settings.ts';
import { removeCredentials } from './credentials.ts';
import type { Paths } from './paths.ts';
import { type Profile, profileNameSchema, type Settings } from './settings.ts';

/** @throws AipgError `usage` when the name is taken or invalid */
export async function addProfile(paths: Paths, name: string, profile: Profile): Promise<Settings> {
  const valid = profileNameSchema.safeParse(name);
  if (!valid.success) throw new AipgError('usage', `${name} ${valid.error.issues[0]?.message}.`);
  return changeSettings(paths, (settings) => {
    if (Object.hasOwn(settings.grids, name)) {
      throw new AipgError(
        'usage',
        `There is a grid named ${name} already, at ${settings.grids[name]?.url}.`,
        {
          hint: `Remove it first: aipg grid rm ${name}`,
        },
      );
    }
    const grids = { ...settings.grids, [name]: profile };
    return { ...settings, grids, grid: settings.grid ?? name };
  });
}

/** @throws AipgError `usage` when there is no such profile */
export async function setDefaultProfile(paths: Paths, name: string): Promise<Settings> {
  return changeSettings(paths, (settings) => {
    findProfile(settings, name);
    return { ...settings, grid: name };
  });
}

/** Its key goes, too. @throws AipgError `usage` when there is no such profile */
export async function removeProfile(paths: Paths, name: string): Promise<Settings> {
  const settings = await changeSettings(paths, (settings) => {
    findProfile(settings, name);
    const { [name]: _, ...grids } = settings.grids;
    const { grid, ...rest } = settings;
    return grid === undefined || grid === name ? { ...rest, grids } : { ...rest, grid, grids };
  });
  removeCredentials(paths, name);
  return settings;
}

/** @throws AipgError `usage` naming the profiles that there are */
export function findProfile(settings: Settings, name: string): Profile {
  const profile = Object.hasOwn(settings.grids, name) ? settings.grids[name] : undefined;
  if (profile) return profile;
  const known = Object.keys(settings.grids);
  throw new AipgError('usage', `There is no grid named ${name}.`, {
    hint:
      known.length > 0 ? `Known grids: ${known.join(', ')}.` : 'Add one: aipg grid add NAME nats://host:4222',
  });
}
