import { GridState } from '../../src/runtime/monitor/grid-state.ts';
import type { WorkerId } from '../../src/runtime/protocol/ids.ts';
import type { ModelName } from '../../src/runtime/protocol/model.ts';
import { regionSchema } from '../../src/runtime/protocol/worker.ts';
import { beat, told } from './grid-events.ts';

/** Noon, somewhere. */
export const START = Date.UTC(2026, 0, 1, 12);
const SECONDS = 90;
export const QWEN = '千问-七亿/模型:Q4_K_M';
export const FOX = '🦊-tiny-👩‍🚀';

/** A grid after a minute and a half of steady work, with names of wide characters and a worker of each state. */
export function shownGrid(): GridState {
  const state = new GridState(START);
  state.apply({ type: 'connected', busVersion: '2.12.1' }, START);
  state.apply({ type: 'directors', count: 2 }, START);
  const busy = (count: number) => ({ slots: { total: 4, busy: count }, startedAt: START - 3_700_000 });
  const region = regionSchema.parse('eu-west');
  let job = 0;
  for (let second = 0; second < SECONDS; second++) {
    const at = START + 1_000 * second;
    state.apply(beat('alpha', { model: QWEN, ...busy(second % 5), region }), at);
    state.apply(beat('beta', { model: QWEN, ...busy(2), jobs: { done: 12_345, failed: 3 } }), at);
    state.apply(beat('gamma', { model: FOX, ...busy(4), state: 'draining' }), at);
    const loading = { model: FOX as ModelName, fraction: 0.42 };
    state.apply(beat('delta', { ...busy(0), state: 'loading', models: [], loading }), at);
    const reason = 'three jobs failed in a row';
    state.apply(beat('epsilon', { ...busy(0), state: 'paused', reason }), at);
    if (second < 60) state.apply(beat('lost-one', busy(1)), at);
    for (let each = 0; each <= second % 4; each++) {
      job += 1;
      const worker = job % 2 === 0 ? 'alpha' : 'beta';
      state.apply(told.accepted(job, QWEN), at);
      state.apply(told.leased(job, worker, 1, QWEN), at + 20);
      state.apply(told.chunk(job, 0, 1), at + 80 + 10 * (job % 13));
      state.apply(told.chunk(job, 1, 40 + (job % 30)), at + 600);
      if (job % 17 === 0) state.apply(told.failed(job), at + 700);
      else if (job % 19 === 0) state.apply(told.cancelled(job), at + 700);
      else if (second < SECONDS - 2) state.apply(told.done(job, 41 + (job % 30), QWEN), at + 700);
    }
    state.apply({ type: 'queues', waiting: new Map([[QWEN as ModelName, (second * 7) % 23]]) }, at + 800);
    state.apply({ type: 'second' }, at + 900);
  }
  const end = START + 1_000 * SECONDS;
  state.apply({ type: 'left', worker: 'gone-one' as WorkerId }, end);
  state.apply(told.accepted(++job, QWEN), end);
  state.apply(told.waiting(job, 3), end);
  state.apply({ type: 'second' }, end);
  return state;
}
