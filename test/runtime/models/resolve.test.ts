import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUNDLED_SHA256 } from '../../../src/runtime/models/bundled.ts';
import { resolveModel } from '../../../src/runtime/models/resolve.ts';
import { combineSha256 } from '../../../src/runtime/models/sha256.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { sha256 } from '../../support/hub.ts';
import { failureOf, fakeGguf, Sandbox, tinyModel } from './sandbox.ts';

describe('the bundled model', () => {
  it('is the default, and has the hash that the code says', async () => {
    await using sandbox = await Sandbox.create();
    const model = await resolveModel(undefined, sandbox);
    expect(model).toEqual(await resolveModel('aipg-tiny', sandbox));
    expect(model.name).toBe('aipg-tiny');
    expect(sha256(await readFile(model.path))).toBe(BUNDLED_SHA256);
    expect(model.sha256).toBe(BUNDLED_SHA256);
  });
});

describe('a path', () => {
  it('gives the file with its base name and hash', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('models/Tiny.gguf', await tinyModel());
    const model = { name: 'Tiny', path, sha256: BUNDLED_SHA256 };
    expect(await resolveModel(path, sandbox)).toEqual(model);
    expect(await resolveModel('~/models/Tiny.gguf', sandbox)).toEqual(model);
  });

  it('is hashed once, until size or time change', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('a.gguf', fakeGguf('one'));
    await utimes(path, 1_000, 1_000);
    await resolveModel(path, sandbox);
    await writeFile(path, fakeGguf('two'));
    await utimes(path, 1_000, 1_000);
    expect((await resolveModel(path, sandbox)).sha256).toBe(sha256(fakeGguf('one')));
    await utimes(path, 1_001, 1_001);
    expect((await resolveModel(path, sandbox)).sha256).toBe(sha256(fakeGguf('two')));
  });

  it.each([['{'], ['[{"path":1}]'], ['{}']])('ignores a corrupted memory of hashes: %s', async (text) => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('a.gguf', fakeGguf('one'));
    const memory = await sandbox.write('aipg-cache/sha256.json', text);
    expect((await resolveModel(path, sandbox)).sha256).toBe(sha256(fakeGguf('one')));
    expect(JSON.parse(await readFile(memory, 'utf8'))).toHaveLength(1);
  });

  it('remembers a bounded number of hashes', async () => {
    await using sandbox = await Sandbox.create();
    const old = Array.from({ length: 500 }, (_, i) => ({
      path: `/${i}`,
      size: 1,
      mtimeMs: 1,
      sha256: 'a'.repeat(64),
    }));
    const memory = await sandbox.write('aipg-cache/sha256.json', JSON.stringify(old));
    const path = await sandbox.write('a.gguf', fakeGguf('one'));
    await resolveModel(path, sandbox);
    const entries = JSON.parse(await readFile(memory, 'utf8')) as { path: string }[];
    expect(entries).toHaveLength(500);
    expect(entries[0]?.path).toBe(path);
  });

  it('needs no place to remember hashes', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('a.gguf', fakeGguf('one'));
    await sandbox.write('aipg-cache', 'a file where the folder would be');
    expect((await resolveModel(path, sandbox)).sha256).toBe(sha256(fakeGguf('one')));
  });

  it('to nothing names what lies near', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('models/llama.gguf', fakeGguf('x'));
    const error = await failureOf(resolveModel(join(sandbox.root, 'models/lama.gguf'), sandbox));
    expect(error.code).toBe('model-not-found');
    expect(error.hint).toBe(`Did you mean ${path}?`);
    const far = await failureOf(resolveModel('/nowhere/x.gguf', sandbox));
    expect(far.hint).toContain('hf:org/repo:QUANT');
  });

  it('to a folder is refused, with a file in it', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('models/llama.gguf', fakeGguf('x'));
    const error = await failureOf(resolveModel(join(sandbox.root, 'models/'), sandbox));
    expect(error).toMatchObject({ code: 'model-not-found', hint: `Give a file, such as ${path}` });
    await mkdir(join(sandbox.root, 'dir.gguf'));
    expect((await failureOf(resolveModel(join(sandbox.root, 'dir.gguf'), sandbox))).message).toContain(
      'folder',
    );
    expect((await failureOf(resolveModel('/dev/null', sandbox))).message).toContain('no regular file');
  });

  it('to what is no GGUF is refused', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('a.gguf', 'version https://git-lfs.github.com/spec/v1');
    expect((await failureOf(resolveModel(path, sandbox))).code).toBe('model-invalid');
    const empty = await sandbox.write('empty.gguf', '');
    expect((await failureOf(resolveModel(empty, sandbox))).code).toBe('model-invalid');
  });

  it('to a split model needs the first part, and all of them', async () => {
    await using sandbox = await Sandbox.create();
    const first = await sandbox.write('m-00001-of-00002.gguf', fakeGguf('1'));
    expect((await failureOf(resolveModel(first, sandbox))).message).toContain('m-00002-of-00002.gguf');
    const second = await sandbox.write('m-00002-of-00002.gguf', fakeGguf('2'));
    expect(await failureOf(resolveModel(second, sandbox))).toMatchObject({
      code: 'usage',
      hint: `Give the first part: ${first}`,
    });
    const hashes = [fakeGguf('1'), fakeGguf('2')].map((content) => sha256Schema.parse(sha256(content)));
    expect(await resolveModel(first, sandbox)).toEqual({
      name: 'm',
      path: first,
      sha256: combineSha256(hashes),
    });
  });

  it('can be cancelled while it is hashed', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('a.gguf', await tinyModel());
    await chmod(path, 0o444);
    const error = await failureOf(
      resolveModel(path, { ...sandboxOptions(sandbox), signal: AbortSignal.abort() }),
    );
    expect(error.code).toBe('cancelled');
  });
});

describe('a name', () => {
  async function cached(): Promise<Sandbox> {
    const sandbox = await Sandbox.create();
    await sandbox.cache('org/llama', 'llama-Q4_K_M.gguf', fakeGguf('l4'));
    await sandbox.cache('org/llama', 'llama-Q8_0.gguf', fakeGguf('l8'));
    await sandbox.cache('other/Qwen', 'qwen.gguf', fakeGguf('q'), { blob: 'd'.repeat(40) });
    return sandbox;
  }

  it('finds a cached model in full, in any case', async () => {
    await using sandbox = await cached();
    const model = await resolveModel('ORG/llama:q8_0', sandbox);
    expect(model).toMatchObject({ name: 'org/llama:Q8_0', sha256: sha256(fakeGguf('l8')) });
    expect(await readFile(model.path)).toEqual(fakeGguf('l8'));
  });

  it('finds a cached model by a part, hashing what is not named by its hash', async () => {
    await using sandbox = await cached();
    const model = await resolveModel('qwen', sandbox);
    expect(model).toMatchObject({ name: 'other/Qwen:qwen.gguf', sha256: sha256(fakeGguf('q')) });
    expect(await resolveModel('other/Qwen:qwen.gguf', sandbox)).toEqual(model);
  });

  it('that several have is refused with all of them', async () => {
    await using sandbox = await cached();
    const error = await failureOf(resolveModel('llama', sandbox));
    expect(error.code).toBe('usage');
    expect(error.message).toContain('org/llama:Q4_K_M, org/llama:Q8_0');
  });

  it('that two files share in full is refused with references that tell them apart', async () => {
    await using sandbox = await cached();
    await sandbox.cache('org/llama', 'chat-Q8_0.gguf', fakeGguf('c8'));
    const error = await failureOf(resolveModel('org/llama:Q8_0', sandbox));
    expect(error.message).toContain('hf:org/llama:chat-Q8_0.gguf, hf:org/llama:llama-Q8_0.gguf');
  });

  it('that nothing has says what is there, what is near, and what else can be given', async () => {
    await using sandbox = await cached();
    const error = await failureOf(resolveModel('qwem', sandbox));
    expect(error.code).toBe('model-not-found');
    expect(error.message).toContain('aipg-tiny, org/llama:Q4_K_M, org/llama:Q8_0, other/Qwen:qwen.gguf');
    expect(error.hint).toContain('Did you mean other/Qwen:qwen.gguf?');
    expect(error.hint).toContain('hf:org/repo:QUANT');
    expect((await failureOf(resolveModel('aipg-tinny', sandbox))).hint).toContain('Did you mean aipg-tiny?');
  });
});

function sandboxOptions({ env, cacheDir }: Sandbox) {
  return { env, cacheDir };
}
