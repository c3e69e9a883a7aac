import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aliasTarget } from '../../../src/runtime/models/alias-target.ts';
import { expandAlias, readAliases, removeAlias, setAlias } from '../../../src/runtime/models/aliases.ts';
import { modelNames } from '../../../src/runtime/models/model-names.ts';
import { resolveModel } from '../../../src/runtime/models/resolve.ts';
import { failureOf, fakeGguf, Sandbox } from './sandbox.ts';

const LLAMA = 'hf:org/llama:llama-Q4_K_M.gguf';

describe('an alias', () => {
  it('is kept in the settings until it is removed, in any case', async () => {
    await using world = await start();
    expect(await setAlias(world.paths, 'Fast', LLAMA)).toEqual({ Fast: LLAMA });
    expect(readAliases(world.paths)).toEqual({ Fast: LLAMA });
    expect(expandAlias('fast', readAliases(world.paths))).toBe(LLAMA);
    expect(await setAlias(world.paths, 'fast', 'aipg-tiny')).toEqual({ fast: 'aipg-tiny' });
    expect(await removeAlias(world.paths, 'FAST')).toEqual({});
  });

  it('stands for its model wherever a model is taken, whole or in part', async () => {
    await using world = await start();
    await setAlias(world.paths, 'quick', LLAMA);
    const model = await resolveModel(LLAMA, world.options);
    expect(await resolveModel('quick', world.options)).toEqual(model);
    expect(await resolveModel('QUI', world.options)).toEqual(model);
  });

  it('that shares a part with its own model is no other model', async () => {
    await using world = await start();
    await setAlias(world.paths, 'llama-4', LLAMA);
    expect((await resolveModel('llama', world.options)).name).toBe('org/llama:Q4_K_M');
    await world.sandbox.cache('other/llama', 'llama-Q8_0.gguf', fakeGguf('other'));
    const error = await failureOf(resolveModel('llama', world.options));
    expect(error.code).toBe('usage');
    expect(error.message).toContain('llama-4, org/llama:Q4_K_M, other/llama:Q8_0');
  });

  it('is suggested for a near miss, as the bundled model is', async () => {
    await using world = await start();
    await setAlias(world.paths, 'quick', LLAMA);
    expect((await failureOf(resolveModel('quikc', world.options))).hint).toContain('Did you mean quick?');
    expect((await resolveModel('pg-tin', world.options)).name).toBe('aipg-tiny');
  });

  it.each([
    ['aipg-tiny', /bundled/],
    ['a/b', /64 letters/],
    ['hf:x', /64 letters/],
    ['-x', /64 letters/],
    ['model.gguf', /\.gguf/],
    ['', /64 letters/],
  ])('is not %j, which means something else', async (name, message) => {
    await using world = await start();
    const error = await failureOf(setAlias(world.paths, name, LLAMA));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(message);
  });

  it('that is not there cannot be removed; what is near is suggested', async () => {
    await using world = await start();
    await setAlias(world.paths, 'quick', LLAMA);
    expect(await failureOf(removeAlias(world.paths, 'quik'))).toMatchObject({
      code: 'usage',
      hint: 'Did you mean quick?',
    });
  });

  it('keeps what means the same from anywhere: the full file, a whole path, another alias’s model', async () => {
    await using world = await start();
    const path = await world.sandbox.write('models/x.gguf', fakeGguf('x'));
    await setAlias(world.paths, 'quick', LLAMA);
    const target = (text: string) => aliasTarget(text, world.options);
    expect(await target('llama')).toBe(LLAMA);
    expect(await target('quick')).toBe(LLAMA);
    expect(await target('~/models/x.gguf')).toBe(path);
    expect(await target('aipg-tiny')).toBe('aipg-tiny');
    expect(await target('hf:not/here-GGUF:q4_k_m')).toBe('hf:not/here-GGUF:Q4_K_M');
    expect((await failureOf(target('nothing-like-it'))).code).toBe('model-not-found');
  });
});

describe('the names for completion', () => {
  it('are aliases, the bundled model and the cache, without a header being read', async () => {
    await using world = await start();
    await setAlias(world.paths, 'quick', LLAMA);
    await world.sandbox.cache('org/broken', 'b-Q8_0.gguf', Buffer.from('no GGUF'));
    expect(await modelNames(world.options)).toEqual([
      'quick',
      'aipg-tiny',
      'org/broken:Q8_0',
      'org/llama:Q4_K_M',
    ]);
  });

  it('are there even if the settings are broken', async () => {
    await using world = await start();
    await world.sandbox.write('config/config.json', '{ broken');
    expect(await modelNames(world.options)).toEqual(['aipg-tiny', 'org/llama:Q4_K_M']);
  });
});

async function start() {
  const sandbox = await Sandbox.create();
  await sandbox.cache('org/llama', 'llama-Q4_K_M.gguf', fakeGguf('l4'));
  const config = join(sandbox.root, 'config');
  const paths = { config, data: sandbox.root, cache: sandbox.cacheDir, state: sandbox.root };
  return {
    sandbox,
    paths,
    options: { env: sandbox.env, cacheDir: sandbox.cacheDir, configDir: config },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}
