import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLogSwitch, setLogSwitch } from '../../../src/runtime/config/log-switch.ts';
import { resolvePaths } from '../../../src/runtime/config/paths.ts';
import { addProfile } from '../../../src/runtime/config/profiles.ts';
import { profileSchema, readSettings } from '../../../src/runtime/config/settings.ts';

test('the log is on, unless the settings switch it off, unless AIPG_NO_LOG does', async () => {
  const home = mkdtempSync(join(tmpdir(), 'aipg-log-switch-'));
  try {
    const paths = resolvePaths({}, home);
    expect(readLogSwitch(paths, {})).toEqual({ on: true, by: 'default' });
    await addProfile(paths, 'home', profileSchema.parse({ url: 'nats://home:4222' }));
    await setLogSwitch(paths, false);
    expect(readLogSwitch(paths, {})).toEqual({ on: false, by: 'settings' });
    expect(Object.keys(readSettings(paths).grids)).toEqual(['home']);
    await setLogSwitch(paths, true);
    expect(readLogSwitch(paths, { AIPG_NO_LOG: '' })).toEqual({ on: true, by: 'settings' });
    expect(readLogSwitch(paths, { AIPG_NO_LOG: '0' })).toEqual({ on: true, by: 'settings' });
    expect(readLogSwitch(paths, { AIPG_NO_LOG: '1' })).toEqual({ on: false, by: 'AIPG_NO_LOG' });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
