import { rm, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listCachedModels } from '../../../src/runtime/models/hub-cache.ts';
import { hubCacheDir, hubToken, isHubOffline } from '../../../src/runtime/models/hub-settings.ts';
import { sha256 } from '../../support/hub.ts';
import { COMMIT, fakeGguf, Sandbox } from './sandbox.ts';

describe('hubCacheDir', () => {
  it.each([
    [{ HF_HUB_CACHE: '/a', HF_HOME: '/b', XDG_CACHE_HOME: '/c' }, '/a'],
    [{ HF_HOME: '/b', XDG_CACHE_HOME: '/c' }, '/b/hub'],
    [{ HF_HOME: '~/b' }, '/home/me/b/hub'],
    [{ XDG_CACHE_HOME: '/c' }, '/c/huggingface/hub'],
    [{}, '/home/me/.cache/huggingface/hub'],
  ])('of %j is %s', (env, path) => {
    expect(hubCacheDir({ HOME: '/home/me', ...env })).toBe(path);
  });
});

describe('the hub settings', () => {
  it('take the token from HF_TOKEN, else from the file that a sign-in has left', async () => {
    await using sandbox = await Sandbox.create();
    expect(await hubToken(sandbox.env)).toBeUndefined();
    await sandbox.write('.cache/huggingface/token', 'hf_file\n');
    expect(await hubToken(sandbox.env)).toBe('hf_file');
    expect(await hubToken({ ...sandbox.env, HF_TOKEN: 'hf_env' })).toBe('hf_env');
  });

  it('know offline by the words that the hub uses', () => {
    expect(['1', 'true', 'YES', 'on'].every((HF_HUB_OFFLINE) => isHubOffline({ HF_HUB_OFFLINE }))).toBe(true);
    expect(['', '0', 'false'].some((HF_HUB_OFFLINE) => isHubOffline({ HF_HUB_OFFLINE }))).toBe(false);
  });
});

describe('listCachedModels', () => {
  it('is empty without a cache', async () => {
    await using sandbox = await Sandbox.create();
    expect(await listCachedModels(sandbox.env)).toEqual([]);
  });

  it('lists models by name with path and the hash that the blob is named by', async () => {
    await using sandbox = await Sandbox.create();
    const [big, small] = [fakeGguf('big'), fakeGguf('small')];
    await sandbox.cache('org/repo', 'm-Q8_0.gguf', big);
    await sandbox.cache('org/repo', 'sub/m-q4_k_m.gguf', small, { blob: 'f'.repeat(40) });
    const snapshot = join(sandbox.hubCache, 'models--org--repo', 'snapshots', COMMIT);
    expect(await listCachedModels(sandbox.env)).toEqual([
      {
        name: 'org/repo:Q4_K_M',
        repo: 'org/repo',
        file: 'sub/m-q4_k_m.gguf',
        quant: 'Q4_K_M',
        path: join(snapshot, 'sub/m-q4_k_m.gguf'),
        parts: [{ path: join(snapshot, 'sub/m-q4_k_m.gguf'), sha256: undefined }],
      },
      {
        name: 'org/repo:Q8_0',
        repo: 'org/repo',
        file: 'm-Q8_0.gguf',
        quant: 'Q8_0',
        path: join(snapshot, 'm-Q8_0.gguf'),
        parts: [{ path: join(snapshot, 'm-Q8_0.gguf'), sha256: sha256(big) }],
      },
    ]);
  });

  it('lists nothing that is broken, half made or no model', async () => {
    await using sandbox = await Sandbox.create();
    await rm(await sandbox.cache('org/broken', 'm-Q8_0.gguf', fakeGguf('gone')));
    await sandbox.cache('org/half', 'm-Q8_0.gguf', fakeGguf('half'), {
      blob: `${'a'.repeat(64)}.incomplete`,
    });
    await sandbox.cache('org/empty', 'm-Q8_0.gguf', Buffer.alloc(0));
    await sandbox.cache('org/vision', 'mmproj-F16.gguf', fakeGguf('eyes'));
    await sandbox.cache('org/split', 'm-Q8_0-00001-of-00002.gguf', fakeGguf('first of two'));
    await sandbox.write('.cache/huggingface/hub/models--org--file', 'no folder');
    await sandbox.write('.cache/huggingface/hub/datasets--org--data/snapshots/x/a.gguf', 'no model');
    expect(await listCachedModels(sandbox.env)).toEqual([]);
  });

  it('lists a split model once, when all its parts are there', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache('org/split', 'm-Q8_0-00001-of-00002.gguf', fakeGguf('1'));
    await sandbox.cache('org/split', 'm-Q8_0-00002-of-00002.gguf', fakeGguf('2'));
    const [model, ...more] = await listCachedModels(sandbox.env);
    expect(more).toEqual([]);
    expect(model?.parts.map((part) => part.sha256)).toEqual([sha256(fakeGguf('1')), sha256(fakeGguf('2'))]);
  });

  it('prefers the revision of refs/main, else the newest', async () => {
    await using sandbox = await Sandbox.create();
    const [old, recent] = ['b'.repeat(40), 'c'.repeat(40)];
    await sandbox.cache('org/repo', 'm-Q8_0.gguf', fakeGguf('old'), { commit: old });
    await sandbox.cache('org/repo', 'm-Q8_0.gguf', fakeGguf('new'), { commit: recent });
    const repo = join(sandbox.hubCache, 'models--org--repo');
    await utimes(join(repo, 'snapshots', old), 1, 1);
    const hash = async () => (await listCachedModels(sandbox.env)).map((model) => model.parts[0]?.sha256);
    expect(await hash()).toEqual([sha256(fakeGguf('new'))]);
    await sandbox.write('.cache/huggingface/hub/models--org--repo/refs/main', old);
    expect(await hash()).toEqual([sha256(fakeGguf('old'))]);
  });

  it('follows no link to a folder', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache('org/repo', 'm-Q8_0.gguf', fakeGguf('x'));
    await symlink('/', join(sandbox.hubCache, 'models--org--repo', 'snapshots', COMMIT, 'root'));
    expect(await listCachedModels(sandbox.env)).toHaveLength(1);
  });
});
