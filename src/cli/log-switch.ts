import process from 'node:process';
import { readLogSwitch, setLogSwitch } from '../runtime/config/log-switch.ts';
import type { Paths } from '../runtime/config/paths.ts';

/** `aipg logs on` and `aipg logs off`. @throws AipgError `usage` when the settings are broken */
export async function switchLog(paths: Paths, on: boolean, { json }: { json: boolean }): Promise<void> {
  await setLogSwitch(paths, on);
  const now = readLogSwitch(paths, process.env);
  if (json) process.stdout.write(`${JSON.stringify(now)}\n`);
  else if (now.on === on)
    process.stderr.write(
      on
        ? 'Jobs are logged now.\n'
        : 'Jobs are not logged any more. What is there stays: aipg logs prune --all\n',
    );
  else
    process.stderr.write('Jobs are logged from now on where AIPG_NO_LOG does not forbid it; here it does.\n');
}
