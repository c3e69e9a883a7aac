import { changeSettings } from './change-settings.ts';
import type { Paths } from './paths.ts';
import { readSettings } from './settings.ts';

/** Whether jobs are kept in the log, and what says so. */
export interface LogSwitch {
  readonly on: boolean;
  readonly by: 'default' | 'settings' | 'AIPG_NO_LOG';
}

/** The environment comes before the settings. @throws AipgError `usage` when the settings cannot be read */
export function readLogSwitch(paths: Paths, env: NodeJS.ProcessEnv): LogSwitch {
  if (!['', '0', 'false', undefined].includes(env['AIPG_NO_LOG'])) return { on: false, by: 'AIPG_NO_LOG' };
  const { log } = readSettings(paths);
  return { on: log ?? true, by: log === undefined ? 'default' : 'settings' };
}

/** @throws AipgError `usage` when the settings cannot be read */
export async function setLogSwitch(paths: Paths, on: boolean): Promise<void> {
  await changeSettings(paths, (settings) => ({ ...settings, log: on }));
}
