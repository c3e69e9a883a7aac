import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freeze, type GridEvent, GridState } from '../../../src/runtime/monitor/grid-state.ts';
import { microCredits } from '../../../src/runtime/protocol/credits.ts';
import type { WorkerId } from '../../../src/runtime/protocol/ids.ts';
import { type ModelName, sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { beat, jobId, told } from '../../support/grid-events.ts';

const T = 1_000_000;
const TINY = 'tiny' as ModelName;
const [A, B] = ['a', 'b'] as WorkerId[] as [WorkerId, WorkerId];
const SECOND: GridEvent = { type: 'second' };

/** A state after events, each at its time after the start. */
function stateAfter(...events: readonly (readonly [ms: number, event: GridEvent])[]): GridState {
  const state = new GridState(T);
  state.apply({ type: 'connected', busVersion: '2.12.0' }, T);
  for (const [ms, event] of events) state.apply(event, T + ms);
  return state;
}

describe('credits', () => {
  const prices = (...outputs: number[]): GridEvent => ({
    type: 'prices',
    prices: {
      prices: outputs.map((output, index) => ({
        price: outputs.length - index,
        model: sha256Schema.parse(String(index).repeat(64)),
        name: TINY,
        rates: { input: 1, output },
        basis: 'set',
      })),
      otherwise: { input: 5, output: 6 },
    },
  });

  test('a model has the newest price of its name, else that of the policy, whenever it comes', () => {
    const state = stateAfter([0, beat('a')], [1, prices(11, 22)], [2, beat('b', { model: 'other' })]);
    expect(state.models.get(TINY)?.price).toEqual({ input: 1, output: 11, basis: 'set' });
    expect(state.models.get('other' as ModelName)?.price).toEqual({ input: 5, output: 6, basis: 'policy' });
    expect(state.isPaid).toBe(true);
    state.apply({ type: 'prices', prices: { prices: [], otherwise: null } }, T + 3);
    expect(state.models.get(TINY)).not.toHaveProperty('price');
    expect(state.isPaid).toBe(false);
  });

  test('what a worker has earned adds up, and its heartbeats leave it alone', () => {
    const pay = (worker: WorkerId, amount: number): GridEvent => {
      return { type: 'settled', paid: [{ worker, amount: microCredits(amount) }], receipts: [] };
    };
    const state = stateAfter([0, beat('a')], [1, pay(A, 40)], [2, pay(A, 2)], [2, pay(B, 7)]);
    state.apply(beat('a', { slots: { total: 4, busy: 1 } }), T + 3);
    expect(state.workers.get(A)?.earned).toBe(42);
    expect(state.workers.has(B)).toBe(false);
  });

  test('a frozen picture keeps its earnings', () => {
    const state = stateAfter([0, { type: 'earnings', earnings: { state: 'free' } }]);
    const frozen = freeze(state);
    state.apply({ type: 'earnings', earnings: { state: 'refused', reason: 'no' } }, T + 1);
    expect(frozen.earnings).toEqual({ state: 'free' });
  });
});

describe('workers', () => {
  test('are counted with their slots, and with their models', () => {
    const state = stateAfter([0, beat('a', { slots: { total: 4, busy: 3 } })], [1, beat('b')]);
    expect(state.totals).toMatchObject({ workers: 2, slots: 8, busy: 3 });
    expect(state.models.get(TINY)).toMatchObject({ workers: 2, slots: 8, busy: 3 });
  });

  test('a heartbeat that says nothing new is no change', () => {
    const state = stateAfter([0, beat('a')]);
    const { revision } = state;
    state.apply(beat('a'), T + 5_000);
    expect(state.revision).toBe(revision);
  });

  test('one that falls silent is lost and counts for nothing, is shown for a minute, and then goes', () => {
    const state = stateAfter([0, beat('a')], [10_000, beat('b')], [14_999, SECOND]);
    expect(state.workers.get(A)?.state).toBe('serving');
    state.apply(SECOND, T + 15_000);
    expect([...state.workers.values()].map((row) => row.state)).toEqual(['lost', 'serving']);
    expect(state.totals).toMatchObject({ workers: 1, slots: 4 });
    state.apply(beat('b'), T + 75_000);
    state.apply(SECOND, T + 75_000);
    expect([...state.workers.keys()]).toEqual([B]);
    expect(state.log.map(({ id, level, what }) => [id, level, what])).toContainEqual(['a', 'error', 'lost']);
  });

  test('one that takes its leave is gone, and may come back', () => {
    const state = stateAfter([0, beat('a')], [1, { type: 'left', worker: A }]);
    expect(state.workers.get(A)?.state).toBe('gone');
    state.apply(beat('a'), T + 2);
    state.apply(SECOND, T + 10_000);
    expect(state.workers.get(A)?.state).toBe('serving');
    expect(state.totals).toMatchObject({ workers: 1, slots: 4 });
  });

  test('while the connection is lost, nobody is taken for dead, nor for a while after', () => {
    const state = stateAfter([0, beat('a')], [1_000, { type: 'disconnected' }], [60_000, SECOND]);
    expect(state.connection).toMatchObject({ state: 'lost', since: T + 1_000 });
    state.apply({ type: 'connected', busVersion: '2.12.0' }, T + 61_000);
    state.apply(SECOND, T + 62_000);
    expect(state.workers.get(A)?.state).toBe('serving');
    state.apply(SECOND, T + 76_000);
    expect(state.workers.get(A)?.state).toBe('lost');
  });
});

describe('a job', () => {
  test('is followed from acceptance to its end, with its tier, its first token and its rate', () => {
    const state = stateAfter(
      [0, beat('a')],
      [0, told.accepted(1)],
      [10, told.waiting(1, 3)],
      [100, told.leased(1, 'a')],
      [250, told.chunk(1, 0, 1)],
      [1_250, told.chunk(1, 1, 20)],
    );
    expect(state.jobs.get(jobId(1))).toMatchObject({
      status: 'running',
      model: 'tiny',
      tier: 'standard',
      worker: 'a',
      attempt: 1,
      tokens: 21,
      tokensPerSecond: 20,
      firstTokenMs: 250,
    });
    expect(state.totals.running).toBe(1);
    state.apply(told.done(1, 21), T + 1_300);
    expect(state.jobs.get(jobId(1))).toMatchObject({ status: 'done', endedAt: T + 1_300 });
    expect(state.totals).toMatchObject({ running: 0, done: 1 });
    expect(state.jobs.get(jobId(1))?.steps.map(({ what }) => what)).toEqual([
      'accepted',
      'attempt 1 on a',
      'first token',
      'done, 21 tokens',
    ]);
  });

  test('that is tried again counts its tokens once, and ignores the older attempt', () => {
    const state = stateAfter(
      [0, told.accepted(1)],
      [1, told.leased(1, 'a')],
      [2, told.chunk(1, 0, 5)],
      [3, told.retrying(1)],
      [4, told.leased(1, 'b', 2)],
      [5, told.chunk(1, 5, 5, 1)],
      [6, told.chunk(1, 3, 4, 2)],
    );
    expect(state.jobs.get(jobId(1))).toMatchObject({ attempt: 2, worker: 'b', tokens: 7, status: 'running' });
    state.apply(SECOND, T + 1_000);
    expect(state.history.tokensPerSecond).toEqual([7]);
  });

  test('that was met in the middle counts only what was seen of it', () => {
    const state = stateAfter([0, told.chunk(1, 500, 10)], [1_000, SECOND]);
    expect(state.jobs.get(jobId(1))?.tokens).toBe(510);
    expect(state.history.tokensPerSecond).toEqual([10]);
    expect(state.rates.firstTokenP50Ms).toBeUndefined();
  });

  test('that ended while the connection was lost is forgotten when the grid no longer knows it', () => {
    const state = stateAfter([0, told.accepted(1)], [1, told.leased(1, 'a')], [20_000, told.accepted(2)]);
    state.apply({ type: 'known', jobs: [], unfinished: new Set(), asOf: T + 20_001 }, T + 20_100);
    expect([...state.jobs.keys()]).toEqual([jobId(2)]);
    expect(state.totals.running).toBe(0);
  });

  test('keeps no text of a failure, only its code', () => {
    const state = stateAfter([0, told.accepted(1)], [1, told.failed(1)]);
    expect(state.jobs.get(jobId(1))).toMatchObject({ status: 'failed', code: 'job-failed' });
    expect(state.log.at(-1)).toMatchObject({ level: 'error', what: 'failed: job-failed' });
  });
});

test('rates are those of the last ten seconds, latencies those of the last minute', () => {
  const state = stateAfter([0, beat('a')]);
  for (let second = 0; second < 10; second++) {
    state.apply(told.accepted(second), T + second * 1_000);
    state.apply(told.leased(second, 'a'), T + second * 1_000);
    state.apply(told.chunk(second, 0, 30), T + second * 1_000 + 100 * (second + 1));
    state.apply(told.done(second, 30), T + second * 1_000 + 100 * (second + 1));
  }
  // The second in which it happened is over.
  state.apply(SECOND, T + 11_000);
  expect(state.rates).toEqual({
    jobsPerSecond: 0.9,
    tokensPerSecond: 27,
    firstTokenP50Ms: 500,
    firstTokenP95Ms: 1_000,
  });
  expect(state.workers.get(A)?.tokensPerSecond).toBe(27);
  state.apply({ type: 'queues', waiting: new Map([[TINY, 9]]) }, T + 11_000);
  expect(state.models.get(TINY)).toMatchObject({ waiting: 9, waitMs: 10_000, jobsPerSecond: 0.9 });
  state.apply(beat('a'), T + 90_000);
  state.apply(SECOND, T + 90_000);
  expect(state.rates).toEqual({ jobsPerSecond: 0, tokensPerSecond: 0 });
});

test('a frozen picture stays as it is', () => {
  const state = stateAfter([0, beat('a')], [0, told.accepted(1)]);
  const frozen = freeze(state);
  state.apply(told.done(1, 3), T + 1);
  state.apply(SECOND, T + 2);
  expect(frozen.jobs.get(jobId(1))?.status).toBe('waiting');
  expect(frozen.history.workers).toEqual([]);
});

test('the sums are those of the rows, whatever happens in whatever order', () => {
  const worker = fc.constantFrom('a', 'b', 'c');
  const number = fc.integer({ min: 1, max: 4 });
  const event: fc.Arbitrary<GridEvent> = fc.oneof(
    fc
      .record({
        worker,
        state: fc.constantFrom('serving', 'draining', 'paused'),
        model: fc.constantFrom('x', 'y'),
        busy: fc.nat(4),
      })
      .map(({ worker: name, busy, ...rest }) => beat(name, { ...rest, slots: { total: 4, busy } })),
    worker.map((name): GridEvent => ({ type: 'left', worker: name as WorkerId })),
    number.map((n) => told.accepted(n)),
    fc.tuple(number, worker, number).map(([n, name, attempt]) => told.leased(n, name, attempt)),
    fc
      .tuple(number, fc.nat(9), fc.nat(9), number)
      .map(([n, offset, count, a]) => told.chunk(n, offset, count, a)),
    number.map((n) => told.retrying(n)),
    number.map((n) => told.done(n, 9)),
    number.map((n) => told.cancelled(n)),
    fc.constant(SECOND),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20_000), event), { maxLength: 60 }), (events) => {
      const state = stateAfter();
      let at = T;
      for (const [pause, what] of events) {
        at += pause;
        state.apply(what, at);
      }
      const alive = [...state.workers.values()].filter(({ state: s }) => s !== 'lost' && s !== 'gone');
      const jobs = [...state.jobs.values()];
      expect(state.totals).toMatchObject({
        workers: alive.length,
        slots: alive.reduce((sum, { slots }) => sum + slots, 0),
        busy: alive.reduce((sum, { busy }) => sum + busy, 0),
        running: jobs.filter(({ status }) => status === 'running').length,
        done: jobs.filter(({ status }) => status === 'done').length,
      });
      for (const { name, slots, workers } of state.models.values()) {
        const serving = alive.filter((row) => row.state === 'serving' && row.models.includes(name));
        expect({ workers, slots }).toEqual({ workers: serving.length, slots: 4 * serving.length });
      }
    }),
  );
});
