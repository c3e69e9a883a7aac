import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import type {
  Chunk,
  GenerateInput,
  LoadedModel,
  LoadOptions,
} from '../../../../src/runtime/engines/engine.ts';
import { createLlamaEngine } from '../../../../src/runtime/engines/llama/engine.ts';
import { type ModelFile, modelNameSchema, sha256Schema } from '../../../../src/runtime/protocol/model.ts';
import { deriveSeed, type Sampling, textInputSchema } from '../../../../src/runtime/protocol/text.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
export const TINY_F16 = join(ROOT, 'models/aipg-tiny-f16.gguf');
export const TINY_Q8 = join(ROOT, 'test/fixtures/aipg-tiny-q8.gguf');

/** A directory that is gone when the test file is done. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'aipg-llama-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function modelFile(path: string): ModelFile {
  return {
    name: modelNameSchema.parse('aipg-tiny'),
    path,
    sha256: sha256Schema.parse(createHash('sha256').update(readFileSync(path)).digest('hex')),
  };
}

/** Loads a model for a whole test file. */
export async function load(options: Partial<LoadOptions> = {}, path = TINY_F16): Promise<LoadedModel> {
  const model = await createLlamaEngine().load(modelFile(path), {
    slots: 1,
    threads: 1,
    cacheDir: temporaryDirectory(),
    ...options,
  });
  afterAll(() => model[Symbol.asyncDispose]());
  return model;
}

type Options = Partial<Omit<GenerateInput, 'prompt' | 'seed' | 'sampling'>> & {
  seed?: string;
  sampling?: Partial<Sampling>;
};

export function chat(content: string, { seed = '1', ...options }: Options = {}): GenerateInput {
  return input({ form: 'chat', messages: [{ role: 'user', content }] }, seed, options);
}

export function raw(text: string, { seed = '1', ...options }: Options = {}): GenerateInput {
  return input({ form: 'raw', text }, seed, options);
}

function input(
  prompt: GenerateInput['prompt'],
  seed: string,
  { resumeFrom, ...rest }: Options,
): GenerateInput {
  const parsed = textInputSchema.parse({ prompt, seed: deriveSeed(seed), ...rest });
  return resumeFrom === undefined ? parsed : { ...parsed, resumeFrom };
}

export interface Answer {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly chunks: readonly Chunk[];
  readonly finish: Chunk['finish'];
}

export async function collect(chunks: AsyncIterable<Chunk>): Promise<Answer> {
  const all: Chunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return {
    text: all.map(({ text }) => text).join(''),
    tokens: all.flatMap(({ tokens }) => tokens),
    chunks: all,
    finish: all.at(-1)?.finish,
  };
}
