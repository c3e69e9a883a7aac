import { resolvePaths } from '../../src/runtime/config/paths.ts';
import { createLlamaEngine } from '../../src/runtime/engines/llama/engine.ts';
import { bundledModel } from '../../src/runtime/models/bundled.ts';
import { playWorker } from '../support/bench-worker.ts';

/** A worker that computes, with the bundled model. */
await playWorker((slots) =>
  createLlamaEngine().load(bundledModel(), { slots, threads: 1, cacheDir: resolvePaths().cache }),
);
