import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledModel } from '../../src/runtime/models/bundled.ts';
import type { ModelFile } from '../../src/runtime/protocol/model.ts';
import { writeRandomModel } from './random-model.ts';

/** A model to measure with, and what to ask it. */
export interface BenchModel {
  readonly label: string;
  readonly file: ModelFile;
  readonly prompt: string;
  /** What a turn adds to a conversation. */
  readonly turn: string;
}

/** The bundled model, and one fourteen times as large. */
export async function benchModels(): Promise<{ models: readonly BenchModel[] } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  const random = await writeRandomModel(join(folder, 'random-27m.gguf'));
  return {
    models: [
      {
        label: 'bundled, 1.9M',
        file: bundledModel(),
        prompt: 'Once there was a fox who',
        turn: ' The fox went on and met an owl.',
      },
      {
        label: 'random, 27.8M',
        file: random,
        prompt: 'w300 w400 w500 w600',
        turn: ' w300 w301 w302 w303',
      },
    ],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
