import { beforeEach, expect, test } from 'vitest';
import { GridState } from '../../../src/runtime/monitor/grid-state.ts';
import { reliability } from '../../../src/runtime/monitor/reputation.ts';
import type { WorkerId } from '../../../src/runtime/protocol/ids.ts';
import { beat, told } from '../../support/grid-events.ts';

let state: GridState;
beforeEach(() => {
  state = new GridState(0);
  for (const worker of ['alpha', 'beta']) state.apply(beat(worker), 0);
});

const apply = (...events: Parameters<GridState['apply']>[0][]) => {
  for (const event of events) state.apply(event, 1);
};
const of = (worker: string) => state.workers.get(worker as WorkerId)?.reputation;

test('a worker has none before an attempt has ended', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.chunk(1, 0, 3));
  expect(of('alpha')).toBeUndefined();
  expect(reliability(of('alpha'))).toBeUndefined();
});

test('an attempt that answers its job counts for its worker, and for no other', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.done(1, 3));
  expect(of('alpha')).toEqual({ done: 1, broken: 0 });
  expect(of('beta')).toBeUndefined();
});

test('one that fails counts against it, whoever does the job in the end', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.retrying(1), told.leased(1, 'beta', 2));
  apply(told.done(1, 3));
  expect(of('alpha')).toEqual({ done: 0, broken: 1 });
  expect(of('beta')).toEqual({ done: 1, broken: 0 });
});

test('one that another goes on with, without a word of the first, was lost', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.leased(1, 'beta', 2), told.done(1, 3));
  expect(of('alpha')).toEqual({ done: 0, broken: 1 });
});

test('one that the same worker goes on with was not', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.leased(1, 'alpha', 2), told.done(1, 3));
  expect(of('alpha')).toEqual({ done: 1, broken: 0 });
});

test('a job that is given up counts against the last that tried, a cancelled one against nobody', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.failed(1));
  apply(told.accepted(2), told.leased(2, 'beta'), told.cancelled(2));
  expect(of('alpha')).toEqual({ done: 0, broken: 1 });
  expect(of('beta')).toBeUndefined();
});

test('it stays with the worker from one heartbeat to the next', () => {
  apply(told.accepted(1), told.leased(1, 'alpha'), told.done(1, 3), beat('alpha', { state: 'paused' }));
  expect(reliability(of('alpha'))).toBe(1);
});
