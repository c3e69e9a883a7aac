import { type Aliases, readAliases } from './aliases.ts';
import { listCachedModels } from './hub-cache.ts';
import { BUNDLED_NAME } from './reference.ts';
import type { LocateOptions } from './resolve.ts';

/**
 * Every name that `-m` takes on this machine as it is: aliases first, then models. No header is read, and settings that
 * are broken count as none, for a shell's completion has nobody to complain to.
 */
export async function modelNames({ env, configDir }: LocateOptions): Promise<readonly string[]> {
  let aliases: Aliases = {};
  try {
    if (configDir !== undefined) aliases = readAliases({ config: configDir });
  } catch {
    // Told by the commands that need them.
  }
  const cached = (await listCachedModels(env)).map(({ name }) => name);
  return [...new Set([...Object.keys(aliases), BUNDLED_NAME, ...cached])];
}
