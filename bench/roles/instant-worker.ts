import { playWorker } from '../support/bench-worker.ts';
import { instantModel } from '../support/instant-model.ts';

/** A worker whose engine answers at once. */
await playWorker(async (slots) => instantModel(slots));
