import { expect } from 'vitest';
import type { JobHandle } from '../../src/runtime/grids/grid.ts';
import type { Tier } from '../../src/runtime/protocol/job.ts';
import { STREAMS } from '../../src/runtime/protocol/subjects.ts';
import type { Worker } from '../../src/runtime/worker/worker.ts';
import { GatedEngine } from './gated-engine.ts';
import { textJob } from './grid.ts';
import { OpenGrid, type OpenGridOptions } from './open-grid.ts';

/** Carol has a worker; alice is a stranger to it, who has none. */
export async function startOwnersGrid(slots: number, options: OpenGridOptions = {}) {
  const stack = new AsyncDisposableStack();
  const grid = stack.use(await OpenGrid.start({ ...options }));
  const engine = new GatedEngine(slots);
  // Before the grid is gone, so that no job keeps its worker.
  stack.defer(() => engine.open());
  const worker = await grid.worker(engine.model, 'carol');
  const [alice, carol] = [await grid.client('alice'), await grid.client('carol')];
  const ask = (who: typeof alice, prompt: string, tier: Tier = 'standard'): Promise<JobHandle> =>
    who.submit({ ...textJob(prompt), tier, model: engine.model.facts.name });
  const begun = async (prompt: string, at = engine) => {
    await expect.poll(() => at.begun, { timeout: 40_000 }).toContain(prompt);
  };
  return {
    ...{ grid, engine, worker, begun },
    alice: (prompt: string, tier?: Tier) => ask(alice, prompt, tier),
    carol: (prompt: string, tier?: Tier) => ask(carol, prompt, tier),
    /** Jobs that wait for their account's own workers or are in work there, by what the bus says. */
    own: async () => {
      const { manager } = await grid.store();
      const { state } = await manager.streams.info(STREAMS.jobs, { subjects_filter: 'aipg.job.*.*.own.>' });
      return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What the result of a job says that this worker has done. */
export const doneBy = (worker: Worker) => ({ status: 'done', outcome: { worker: worker.id } });
