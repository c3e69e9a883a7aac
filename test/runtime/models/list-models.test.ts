import { chmod, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeModel } from '../../../src/runtime/models/describe-model.ts';
import { lastUsed, markUsed } from '../../../src/runtime/models/last-used.ts';
import { listModels } from '../../../src/runtime/models/list-models.ts';
import { resolveModel } from '../../../src/runtime/models/resolve.ts';
import { combineSha256 } from '../../../src/runtime/models/sha256.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { ggufFile } from '../../support/gguf.ts';
import { sha256 } from '../../support/hub.ts';
import { failureOf, fakeGguf, Sandbox, tinyModel } from './sandbox.ts';

describe('the list of models', () => {
  it('has the bundled model and the cache, with what their headers say', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache('org/tiny', 'tiny-f16.gguf', await tinyModel());
    const [bundled, cached] = await listModels(optionsOf(sandbox));
    expect(bundled).toMatchObject({ model: { form: 'bundled', name: 'aipg-tiny' }, quant: 'F16' });
    expect(cached).toMatchObject({
      model: { name: 'org/tiny:F16' },
      quant: 'F16',
      bytes: (await tinyModel()).length,
      facts: { parameters: 1_906_400, contextSize: 2_048 },
      lastUsed: undefined,
    });
  });

  it('adds up the parts of a split model', async () => {
    await using sandbox = await Sandbox.create();
    const parts = [1, 2].map((part) =>
      ggufFile({
        metadata: { 'general.architecture': 'llama', part },
        tensors: [{ name: `w${part}`, shape: [4, part] }],
        dataBytes: 64,
      }),
    );
    for (const [index, part] of parts.entries()) {
      await sandbox.cache('org/m', `m-Q8_0-0000${index + 1}-of-00002.gguf`, part);
    }
    const [, model] = await listModels(optionsOf(sandbox));
    expect(model?.facts?.parameters).toBe(12);
    expect(model?.bytes).toBe(parts.reduce((sum, { length }) => sum + length, 0));
    const details = await describeModel('org/m', optionsOf(sandbox));
    expect(details.parts.map((part) => part.sha256)).toEqual(parts.map(sha256));
    expect(details.sha256).toBe(combineSha256(parts.map((part) => sha256Schema.parse(sha256(part)))));
  });

  it('shows a model whose header is broken, and says of it what it can', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache('org/bad', 'bad-Q8_0.gguf', Buffer.from('GGUF, but not really'));
    const [, model] = await listModels(optionsOf(sandbox));
    expect(model).toMatchObject({ facts: undefined, quant: 'Q8_0', bytes: 20 });
    expect((await failureOf(describeModel('org/bad', optionsOf(sandbox)))).code).toBe('model-invalid');
  });

  it('reads a header once, until the file changes', async () => {
    await using sandbox = await Sandbox.create();
    const blob = await sandbox.cache('org/m', 'm-Q8_0.gguf', fakeGguf('one'));
    await utimes(blob, 1_000, 1_000);
    const title = async () => (await listModels(optionsOf(sandbox)))[1]?.facts?.title;
    expect(await title()).toBe('one');
    await writeFile(blob, fakeGguf('two'));
    await utimes(blob, 1_000, 1_000);
    expect(await title()).toBe('one');
    await utimes(blob, 1_001, 1_001);
    expect(await title()).toBe('two');
  });

  it.each([['{'], ['[{"path":1}]']])('does without a memory that is broken: %s', async (text) => {
    await using sandbox = await Sandbox.create();
    const memory = await sandbox.write('aipg-cache/model-facts.json', text);
    expect(await listModels(optionsOf(sandbox))).toHaveLength(1);
    expect(JSON.parse(await readFile(memory, 'utf8'))).toHaveLength(1);
  });

  it('knows by which aliases a model goes', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache('org/m', 'm-Q8_0.gguf', fakeGguf('m'));
    const aliases = { a: 'hf:org/m:Q8_0', b: 'hf:org/m', c: 'aipg-tiny', d: 'hf:not/here' };
    await sandbox.write('config/config.json', JSON.stringify({ aliases }));
    const models = await listModels(optionsOf(sandbox));
    expect(models.map((model) => model.aliases)).toEqual([['c'], ['a', 'b']]);
  });
});

describe('the last use of a model', () => {
  it('is when it was last resolved to be used', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('m.gguf', fakeGguf('m'));
    const before = Date.now() - 1;
    expect(lastUsed(sandbox.cacheDir, path)).toBeUndefined();
    await resolveModel(path, sandbox);
    expect(lastUsed(sandbox.cacheDir, path)?.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('moves on, and is the same by every link to the file', async () => {
    await using sandbox = await Sandbox.create();
    const blob = await sandbox.cache('org/m', 'm-Q8_0.gguf', fakeGguf('m'));
    const link = join(blob, '../../snapshots', 'a'.repeat(40), 'm-Q8_0.gguf');
    markUsed(sandbox.cacheDir, link, new Date(1_000));
    markUsed(sandbox.cacheDir, blob, new Date(2_000));
    expect(lastUsed(sandbox.cacheDir, link)).toEqual(new Date(2_000));
  });

  it('is nothing to fail for', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('m.gguf', fakeGguf('m'));
    await sandbox.write('aipg-cache', 'a file where the folder would be');
    await chmod(path, 0o444);
    markUsed(sandbox.cacheDir, path);
    expect(lastUsed(sandbox.cacheDir, path)).toBeUndefined();
    expect((await stat(path)).size).toBe(fakeGguf('m').length);
  });
});

function optionsOf({ env, cacheDir, root }: Sandbox) {
  return { env, cacheDir, configDir: join(root, 'config') };
}
