import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel } from '../../support/grid.ts';
import { OpenGrid } from '../../support/open-grid.ts';

let grid: OpenGrid;
let model: LoadedModel;

beforeAll(async () => {
  grid = await OpenGrid.start();
  model = await loadEndlessModel(2);
});
afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

test('a job goes on with another worker when its own is gone, by what directors do for both', async () => {
  const first = await grid.worker(model, 'first');
  const client = await grid.client('alice');
  const undisturbed = await (await client.submit(endlessJob('seven'))).result();
  const job = await client.submit(endlessJob('seven'));
  const events = job.events()[Symbol.asyncIterator]();
  const before = await until(events, isChunk);
  await grid.worker(model, 'second');
  await grid.connectionOf(first).close();
  const after = await rest(events);
  expect(after.at(-1)).toMatchObject({ type: 'done', attempt: 2 });
  expect(undisturbed).toMatchObject({ text: textOf([...before, ...after]) });
});

test('a cancel reaches the worker, whose slot is free at once', async () => {
  const worker = await grid.worker(model, 'third');
  const client = await grid.client('bob');
  const job = await client.submit(endlessJob());
  const events = job.events()[Symbol.asyncIterator]();
  await until(events, isChunk);
  await job.cancel('enough');
  expect((await rest(events)).at(-1)).toEqual({ type: 'cancelled', reason: 'enough' });
  await expect.poll(() => worker.busy).toBe(0);
});
