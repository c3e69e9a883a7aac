import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Director } from '../../../src/runtime/director/director.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { createBusGrid } from '../../../src/runtime/grids/bus.ts';
import { LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel, TestGrid, textJob } from '../../support/grid.ts';

const TIMES = { firstLookMs: 300, clientGraceMs: 300 };
const nobody = modelNameSchema.parse('nobody');

let grid: TestGrid;
let model: LoadedModel;

beforeAll(async () => {
  grid = await TestGrid.start({ reaperTimes: TIMES });
  model = await loadEndlessModel(2);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

/** As a hostile acknowledgement does. */
async function dropFromQueue(): Promise<void> {
  const { manager } = await grid.store();
  await manager.streams.purge(STREAMS.jobs);
}

describe('a job that the queue has lost', () => {
  test('is queued again, once, however many directors look after it', async () => {
    await using second = await Director.start({
      connection: await grid.connect(),
      version: '0.0.0',
      log: silentLog,
      reaperTimes: TIMES,
    });
    const client = await grid.client();
    const job = await client.submit({ ...endlessJob('7', 50), model: nobody }, { wait: true });
    await dropFromQueue();
    const requeued = () => grid.director.reaped.requeued + second.reaped.requeued;
    await expect.poll(requeued).toBe(1);
    const { manager } = await grid.store();
    expect((await manager.streams.info(STREAMS.jobs)).state.messages).toBe(1);
    await job.cancel('enough');
  });

  test('goes on where it was, under the next attempt, and its reader has one text', async () => {
    const worker = await grid.worker(model, 'robbed');
    const client = await grid.client();
    const undisturbed = await (await client.submit(endlessJob('robbed'))).result();
    const job = await client.submit(endlessJob('robbed'));
    const events = job.events()[Symbol.asyncIterator]();
    const before = await until(events, isChunk);
    await dropFromQueue();
    const fence = { type: 'fence', job: job.id, attempt: 2 };
    (await grid.connect()).publish(`aipg.ctl.worker.${worker.id}`, JSON.stringify(fence));
    const after = await rest(events);
    expect(after.at(-1)).toMatchObject({ type: 'done', attempt: 2 });
    expect(undisturbed).toMatchObject({ text: textOf([...before, ...after]) });
    await worker.drain();
  });
});

describe('a waiting job', () => {
  test('past its time limit ends as timed out', async () => {
    const client = await grid.client();
    const job = { ...textJob('?'), model: nobody, limits: { timeoutMs: 200 } };
    const result = await (await client.submit(job, { wait: true })).result();
    expect(result).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
  });

  test('whose client is gone for good is cancelled; a detached one stays', async () => {
    const connection = await grid.connect('to be killed');
    const client = createBusGrid({ name: 'test', connection, account: LOCAL_ACCOUNT });
    const watcher = await grid.client();
    const [left, detached] = await Promise.all([
      client.submit({ ...textJob('?'), model: nobody }, { wait: true }),
      client.submit({ ...textJob('?'), model: nobody }, { wait: true, detach: true }),
    ]);
    const end = watcher.job(left.id).result();
    await connection.close();
    expect(await end).toEqual({ status: 'cancelled', reason: 'its client is gone' });
    expect(await watcher.job(detached.id).view()).toMatchObject({ status: 'waiting' });
    await watcher.job(detached.id).cancel('enough');
  });

  test('whose client is there is left alone', async () => {
    const client = await grid.client();
    const before = grid.director.reaped.abandoned;
    const job = await client.submit(
      { ...textJob('?'), model: nobody, limits: { timeoutMs: 2_000 } },
      { wait: true },
    );
    // Its time limit ends it, not its client's absence.
    expect(await job.result()).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect(grid.director.reaped.abandoned).toBe(before);
  });
});

describe('what is kept of accepted jobs', () => {
  test('is gone once they have ended', async () => {
    const worker = await grid.worker(model, 'tidy');
    const client = await grid.client();
    await (await client.submit(endlessJob('7', 20))).result();
    const { manager } = await grid.store();
    await expect
      .poll(async () => (await manager.streams.info(STREAMS.accepted)).state.messages, { timeout: 15_000 })
      .toBe(0);
    expect((await manager.streams.info(STREAMS.jobs)).state.messages).toBe(0);
    await worker.drain();
  });
});
