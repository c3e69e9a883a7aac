import { argv } from 'node:process';
import { createLlamaEngine } from '../../src/runtime/engines/llama/engine.ts';
import { createLocalGrid } from '../../src/runtime/grids/local.ts';
import type { JobSpec } from '../../src/runtime/protocol/job.ts';
import type { ModelFile } from '../../src/runtime/protocol/model.ts';
import { playRole } from '../support/role.ts';
import { timedAnswer } from '../support/timed-answer.ts';

const [, , file = '', cacheDir = ''] = argv;

/** Answers in its own process, as `aipg gen --grid local` does. */
await playRole(async () => {
  const model = await createLlamaEngine().load(JSON.parse(file) as ModelFile, {
    slots: 1,
    threads: 1,
    cacheDir,
  });
  const grid = createLocalGrid(model);
  return { handle: (job: JobSpec) => timedAnswer(grid, job), stop: () => grid[Symbol.asyncDispose]() };
});
