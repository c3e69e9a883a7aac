import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createLlamaEngine } from '../../../../src/runtime/engines/llama/engine.ts';
import { chat, collect, load, modelFile, TINY_F16, TINY_Q8, temporaryDirectory } from './support.ts';

const directory = temporaryDirectory();
const whole = readFileSync(TINY_F16);
let files = 0;

function file(content: Uint8Array | string): string {
  const path = join(directory, `broken-${files++}.gguf`);
  writeFileSync(path, content);
  return path;
}

function patched(find: string, replacement: string | Uint8Array, shift = 0): Buffer {
  const copy = Buffer.from(whole);
  copy.set(Buffer.from(replacement), copy.indexOf(find) + shift);
  return copy;
}

const loadPath = (path: string) =>
  createLlamaEngine().load(modelFile(path), { slots: 1, threads: 1, cacheDir: directory });

const broken: [string, () => Uint8Array | string][] = [
  ['empty', () => ''],
  ['a text', () => 'This is not a model, but a page that says "not found".'],
  ['a GGUF magic and nothing else', () => 'GGUF'],
  [
    'of a version that does not exist',
    () => Buffer.concat([Buffer.from('GGUF'), Buffer.from([9, 0, 0, 0]), whole.subarray(8)]),
  ],
  ['of an architecture that llama.cpp does not know', () => patched('llama', 'lxama')],
  ['without weights', () => Buffer.concat([whole.subarray(0, 8), Buffer.alloc(8), whole.subarray(16)])],
  ...[10, 24, 100, 5_000, 25_000, 25_120, 30_000, 2_000_000, whole.length - 1].map(
    (length): [string, () => Uint8Array] => [
      `cut off after ${length} bytes`,
      () => whole.subarray(0, length),
    ],
  ),
];

test.each(broken)('a file that is %s is refused by its name, with what to do', async (_, content) => {
  const path = file(content());
  await expect(loadPath(path)).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining(path),
    hint: expect.stringContaining(`Delete ${basename(path)}`),
  });
});

test('a header with impossible counts is refused', async () => {
  const counts = Buffer.from(whole);
  counts.writeBigUInt64LE(2n ** 40n, 8);
  await expect(loadPath(file(counts))).rejects.toMatchObject({ code: 'model-invalid' });
});

test('a file that does not exist, or a directory, is refused', async () => {
  const missing = { ...modelFile(TINY_F16), path: join(directory, 'absent.gguf') };
  const options = { slots: 1, cacheDir: directory };
  await expect(createLlamaEngine().load(missing, options)).rejects.toMatchObject({ code: 'model-not-found' });
  const folder = { ...missing, path: directory };
  await expect(createLlamaEngine().load(folder, options)).rejects.toMatchObject({ code: 'model-invalid' });
});

test('another quantisation loads and answers', async () => {
  const model = await load({}, TINY_Q8);
  const answer = await collect(model.generate(chat('What is 31 + 17?', { sampling: { temperature: 0 } })));
  expect(answer.text).toBe('31 + 17 = 48.');
  expect(model.facts.parameters).toBe(1_906_400);
});

test('nothing native is written to stdout or stderr, and a loaded model does not keep the process alive', async () => {
  const source = resolve(import.meta.dirname, '../../../../src/runtime/engines/llama/engine.ts');
  const script = `
    const { createLlamaEngine } = await import(${JSON.stringify(source)});
    const load = (path) => createLlamaEngine().load(
      { name: 'm', path, sha256: 'a'.repeat(64) }, { slots: 1, cacheDir: ${JSON.stringify(directory)} });
    for (const path of ${JSON.stringify([file(whole.subarray(0, 100)), file(patched('llama', 'lxama'))])})
      await load(path).then(() => console.log('loaded'), () => {});
    await load(${JSON.stringify(TINY_F16)});
  `;
  // A file, because the library starts a copy of the process with its flags, and `--eval` is one.
  const path = join(directory, 'quiet.mjs');
  writeFileSync(path, script);
  const child = promisify(execFile)(process.execPath, [path], { timeout: 20_000 });
  expect(await child).toEqual({ stdout: '', stderr: '' });
});
