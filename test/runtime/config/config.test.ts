import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Paths, resolvePaths } from '../../../src/runtime/config/paths.ts';
import { addProfile, removeProfile, setDefaultProfile } from '../../../src/runtime/config/profiles.ts';
import {
  readRunningGrid,
  runningGridFile,
  writeRunningGrid,
} from '../../../src/runtime/config/running-grid.ts';
import { selectBus, selectGrid } from '../../../src/runtime/config/select-grid.ts';
import { profileSchema, readSettings, settingsFile } from '../../../src/runtime/config/settings.ts';

let home: string;
let paths: Paths;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'aipg-config-'));
  paths = resolvePaths({}, home);
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

const profile = (url: string) => profileSchema.parse({ url });
const running = { pid: process.pid, url: 'nats://127.0.0.1:4000', model: 'aipg-tiny', startedAt: 0 };

function writeSettings(text: string): void {
  mkdirSync(dirname(settingsFile(paths)), { recursive: true });
  writeFileSync(settingsFile(paths), text);
}

describe('paths', () => {
  test('follow the XDG variables, each with aipg below it', () => {
    expect(
      resolvePaths(
        { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d', XDG_CACHE_HOME: '/k', XDG_STATE_HOME: '/s' },
        '/h',
      ),
    ).toEqual({
      config: '/c/aipg',
      data: '/d/aipg',
      cache: '/k/aipg',
      state: '/s/aipg',
    });
  });

  test('have the defaults of the specification; a relative or empty variable is ignored', () => {
    expect(resolvePaths({ XDG_CONFIG_HOME: 'relative', XDG_DATA_HOME: '' }, '/h')).toEqual({
      config: '/h/.config/aipg',
      data: '/h/.local/share/aipg',
      cache: '/h/.cache/aipg',
      state: '/h/.local/state/aipg',
    });
  });
});

describe('profiles', () => {
  test('are kept in a file that only the user reads; the first is the default', async () => {
    await addProfile(paths, 'home', profile('nats://10.0.0.1:4222'));
    await addProfile(paths, 'work', profile('nats://10.0.0.2:4222,nats://10.0.0.3:4222'));
    expect(readSettings(paths)).toMatchObject({
      grid: 'home',
      grids: {
        home: { url: 'nats://10.0.0.1:4222', account: 'local' },
        work: { url: 'nats://10.0.0.2:4222,nats://10.0.0.3:4222', account: 'local' },
      },
    });
    expect(statSync(settingsFile(paths)).mode & 0o077).toBe(0);
  });

  test('can be made the default and removed, after which there is no default', async () => {
    await addProfile(paths, 'home', profile('nats://10.0.0.1:4222'));
    await addProfile(paths, 'work', profile('nats://10.0.0.2:4222'));
    expect((await setDefaultProfile(paths, 'work')).grid).toBe('work');
    expect((await removeProfile(paths, 'work')).grid).toBeUndefined();
    expect(Object.keys(readSettings(paths).grids)).toEqual(['home']);
  });

  test('refuse a taken, reserved, odd or unknown name', async () => {
    await addProfile(paths, 'home', profile('nats://10.0.0.1:4222'));
    await expect(addProfile(paths, 'home', profile('nats://x:1'))).rejects.toMatchObject({ code: 'usage' });
    for (const name of ['local', '', 'a b', '../x', '__proto__']) {
      await expect(addProfile(paths, name, profile('nats://x:1')), name).rejects.toMatchObject({
        code: 'usage',
      });
    }
    for (const name of ['other', 'toString', '__proto__']) {
      await expect(setDefaultProfile(paths, name), name).rejects.toMatchObject({ code: 'usage' });
    }
  });

  test.each(['http://x', 'x:4222', 'nats://', 'nats://x/path', 'nats://a:1,', 'file:///etc/passwd'])(
    'refuse the address %s',
    (url) => {
      expect(profileSchema.safeParse({ url }).success).toBe(false);
    },
  );

  test('leave a broken file as it is', async () => {
    writeSettings('{ broken');
    await expect(addProfile(paths, 'home', profile('nats://x:1'))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('config.json'),
    });
    expect(readFileSync(settingsFile(paths), 'utf8')).toBe('{ broken');
  });
});

describe('the grid that a command uses', () => {
  test('is this process where nothing is set up', () => {
    expect(selectGrid({ paths })).toEqual({ where: 'local' });
    expect(() => selectBus({ paths })).toThrow('no grid to join');
  });

  test('is what was asked for, before the one that runs here, before the default', async () => {
    await addProfile(paths, 'home', profile('nats://10.0.0.1:4222'));
    expect(selectGrid({ paths })).toMatchObject({ name: 'home' });
    writeRunningGrid(paths, running);
    expect(selectGrid({ paths })).toMatchObject({ name: 'this machine', url: running.url });
    expect(selectGrid({ paths, asked: 'home' })).toMatchObject({ name: 'home', url: 'nats://10.0.0.1:4222' });
    expect(selectGrid({ paths, asked: 'nats://h:1' })).toMatchObject({
      name: 'nats://h:1',
      url: 'nats://h:1',
    });
    expect(selectGrid({ paths, asked: 'local' })).toEqual({ where: 'local' });
    expect(selectGrid({ paths, asked: '' })).toMatchObject({ name: 'this machine' });
  });

  test('must be known or an address', () => {
    expect(() => selectGrid({ paths, asked: 'nowhere' })).toThrow('no grid named nowhere');
    expect(() => selectGrid({ paths, asked: 'http://x' })).toThrow('not the address of a grid');
  });

  test('is not one whose process is dead or whose file is garbage', () => {
    writeRunningGrid(paths, { ...running, pid: 2 ** 30 });
    expect(readRunningGrid(paths)).toBeUndefined();
    writeFileSync(runningGridFile(paths), 'garbage');
    expect(readRunningGrid(paths)).toBeUndefined();
  });
});
