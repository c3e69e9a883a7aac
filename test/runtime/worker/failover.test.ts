import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readResult } from '../../../src/runtime/bus/record.ts';
import { Roster } from '../../../src/runtime/bus/roster.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { faultyModel } from '../../support/faulty-model.ts';
import { endlessJob, loadEndlessModel, TestGrid } from '../../support/grid.ts';

let grid: TestGrid;
let model: LoadedModel;

beforeAll(async () => {
  grid = await TestGrid.start();
  model = await loadEndlessModel(4);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

describe('when a worker is lost in the middle of a job', () => {
  test('another goes on after its last token: the reader has one text, and it is the undisturbed one', async () => {
    const client = await grid.client();
    const connection = await grid.connect('first');
    const first = await grid.worker(model, 'first', connection);
    const undisturbed = await (await client.submit(endlessJob('lost'))).result();
    const job = await client.submit(endlessJob('lost'));
    const events = job.events()[Symbol.asyncIterator]();
    const before = await until(events, (event) => isChunk(event) && textOf([event]).length > 0);
    await connection.close();
    const second = await grid.worker(model, 'second');
    const after = await rest(events);
    expect(after.at(-1)).toMatchObject({ type: 'done', attempt: 2, outcome: { worker: second.id } });
    expect(undisturbed).toMatchObject({ status: 'done', text: textOf([...before, ...after]) });
    const { attempts } = await client.job(job.id).view();
    expect(attempts).toMatchObject([
      { attempt: 1, worker: first.id, end: 'lost' },
      { attempt: 2, worker: second.id },
    ]);
    // What the first had shown was not computed again.
    expect(attempts[0]?.newTokens).toBeGreaterThan(0);
    expect((attempts[0]?.newTokens ?? 0) + (attempts[1]?.newTokens ?? 0)).toBe(1_500);
    await second.drain();
  });
});

describe('a job that workers fail', () => {
  test('ends as failed after three attempts, with the reason of each', async () => {
    const faulty = faultyModel(model, Number.POSITIVE_INFINITY);
    const worker = await grid.worker(faulty, 'broken');
    const client = await grid.client();
    const events = await rest((await client.submit(endlessJob('7', 100))).events()[Symbol.asyncIterator]());
    const last = events.at(-1);
    expect(events.filter(({ type }) => type === 'retrying')).toHaveLength(2);
    expect(last).toMatchObject({
      type: 'failed',
      error: { code: 'job-failed', message: expect.stringContaining('attempt 3') },
      attempts: [1, 2, 3].map((attempt) => ({ attempt, worker: worker.id, reason: 'out of memory' })),
    });
    await worker.drain();
  });

  test('makes its worker take no more after three in a row, until its engine has passed a check', async () => {
    // Three jobs fail once each, and so does the first check; then the engine is well again.
    const faulty = faultyModel(model, 4);
    const worker = await grid.worker(faulty, 'ill');
    await using roster = await Roster.open(await grid.connect());
    const client = await grid.client();
    const jobs = await Promise.all([1, 2, 3].map(() => client.submit(endlessJob('7', 100))));
    const ends = Promise.all(jobs.map((job) => job.result()));
    await expect
      .poll(() => roster.workers().find((one) => one.worker === worker.id))
      .toMatchObject({ state: 'paused', reason: expect.stringContaining('3 jobs in a row failed') });
    expect((await ends).map(({ status }) => status)).toEqual(['done', 'done', 'done']);
    expect(roster.workers().find((one) => one.worker === worker.id)).toMatchObject({ state: 'serving' });
    await worker.drain();
  });
});

describe('a worker that is overtaken', () => {
  test('stops, and its result is not taken', async () => {
    const client = await grid.client();
    const worker = await grid.worker(model, 'slow');
    const job = await client.submit(endlessJob());
    const events = job.events()[Symbol.asyncIterator]();
    await until(events, isChunk);
    const fence = { type: 'fence', job: job.id, attempt: 2 };
    (await grid.connect()).publish(`aipg.ctl.worker.${worker.id}`, JSON.stringify(fence));
    await expect.poll(() => worker.busy).toBe(0);
    expect(await readResult(await grid.store(), LOCAL_ACCOUNT, job.id)).toBeUndefined();
    // Nobody has it, so its lease runs out and it ends as any other.
    expect((await rest(events)).at(-1)).toMatchObject({ type: 'done', attempt: 2 });
    await worker.drain();
  });
});
