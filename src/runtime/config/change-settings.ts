import type { Paths } from './paths.ts';
import { readSettings, type Settings, settingsFile } from './settings.ts';

/**
 * Writes the settings anew, in one step, readable for the user alone.
 * @throws AipgError `usage` when the file that is there is broken: nothing is written over it
 */
export async function changeSettings(
  paths: Paths,
  edit: (settings: Settings) => Settings,
): Promise<Settings> {
  const settings = edit(readSettings(paths));
  const { default: Conf } = await import('conf');
  const store = new Conf<Settings>({
    cwd: paths.config,
    configName: 'config',
    configFileMode: 0o600,
    projectName: 'aipg',
  });
  store.store = settings;
  if (store.path !== settingsFile(paths)) throw new Error(`The settings were written to ${store.path}.`);
  return settings;
}
