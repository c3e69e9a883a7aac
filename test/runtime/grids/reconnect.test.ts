import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel, TestGrid } from '../../support/grid.ts';

let grid: TestGrid;
let model: LoadedModel;

beforeAll(async () => {
  grid = await TestGrid.start();
  model = await loadEndlessModel(2);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

const killBus = () => process.kill(grid.bus.server.pid ?? 0, 'SIGKILL');

describe('a bus that is killed and started again', () => {
  test('in the middle of a job: the reader has one text without a gap or a repeat', async () => {
    const worker = await grid.worker(model, 'steady');
    const client = await grid.client();
    const undisturbed = await (await client.submit(endlessJob('cut'))).result();
    const job = await client.submit(endlessJob('cut'));
    const events = job.events()[Symbol.asyncIterator]();
    const before = await until(events, isChunk);
    killBus();
    const after = await rest(events);
    expect(after.at(-1)).toMatchObject({ type: 'done' });
    expect(undisturbed).toMatchObject({ text: textOf([...before, ...after]) });
    expect(await job.view()).toMatchObject({ status: 'done' });
    await worker.drain();
  });

  test('before a job: it is submitted once the bus is back', async () => {
    const worker = await grid.worker(model, 'patient');
    const client = await grid.client();
    killBus();
    const result = await (await client.submit(endlessJob('7', 20))).result();
    expect(result).toMatchObject({ status: 'done' });
    await worker.drain();
  });
});

describe('a job read from elsewhere', () => {
  test('in the middle of it is read whole, and again after its end', async () => {
    const worker = await grid.worker(model, 'public');
    const [client, elsewhere] = [await grid.client(), await grid.client()];
    const job = await client.submit(endlessJob('public'), { detach: true });
    const events = job.events()[Symbol.asyncIterator]();
    await until(events, isChunk);
    const followed = await rest(elsewhere.job(job.id).events()[Symbol.asyncIterator]());
    const result = await elsewhere.job(job.id).result();
    expect(followed.at(-1)).toMatchObject({ type: 'done' });
    expect(result).toMatchObject({ status: 'done', text: textOf(followed) });
    await rest(events);
    await worker.drain();
  });
});
