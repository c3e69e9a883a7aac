import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import type { JobEvent } from '../../../src/runtime/protocol/events.ts';
import { accountSchema, newJobId } from '../../../src/runtime/protocol/ids.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { isChunk, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel, loadTinyModel, TestGrid, textJob } from '../../support/grid.ts';

const SHORT = 'What is 12 + 7?';
const hog = accountSchema.parse('hog');
const other = accountSchema.parse('other');

let grid: TestGrid;
let tiny: LoadedModel;

beforeAll(async () => {
  grid = await TestGrid.start({ bounds: { perAccount: 5_000, perModel: 100_000 } });
  tiny = await loadTinyModel(2);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await tiny[Symbol.asyncDispose]();
});

describe('the queue', () => {
  test('is fair: one account’s 5,000 jobs do not delay another’s first', { timeout: 60_000 }, async () => {
    const worker = await grid.worker(tiny, 'fair');
    const [greedy, modest] = [await grid.client(hog), await grid.client(other)];
    for (let submitted = 0; submitted < 5_000; submitted += 250) {
      const jobs = await Promise.all(
        Array.from({ length: 250 }, () => greedy.submit(textJob(SHORT), { detach: true })),
      );
      for (const job of jobs) Object.assign(job, { keep: undefined });
    }
    const before = worker.counts.done;
    expect(before).toBeLessThan(4_900);
    expect((await (await modest.submit(textJob(SHORT))).result()).status).toBe('done');
    // Those in work, those of the other's that were as fresh, and no more.
    expect(worker.counts.done - before).toBeLessThan(25);
    await worker.drain({ timeoutMs: 0 });
  });

  test('refuses what is over its bounds, and says what to do', async () => {
    const worker = await grid.worker(tiny, 'full');
    const greedy = await grid.client(hog);
    const refused = expect.objectContaining({
      code: 'queue-full',
      message: expect.stringContaining('unfinished jobs'),
      hint: expect.stringContaining('aipg jobs'),
    });
    await worker.drain({ timeoutMs: 0 });
    const keeper = await grid.worker(await loadOther(), 'keeper');
    const model = modelNameSchema.parse('endless');
    // The hog still has most of its 5,000; one more batch is too many.
    const submits = Array.from({ length: 5_000 }, () =>
      greedy.submit({ ...endlessJob(), model }, { detach: true }),
    );
    const outcomes = await Promise.allSettled(submits);
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    expect(rejected[0]?.reason).toEqual(refused);
    await keeper.drain({ timeoutMs: 0 });
  });
});

const others: LoadedModel[] = [];
async function loadOther(): Promise<LoadedModel> {
  const model = await loadEndlessModel(1);
  others.push(model);
  return model;
}
afterAll(async () => {
  for (const model of others) await model[Symbol.asyncDispose]();
});

describe('a job whose model nobody serves', () => {
  test('is refused, and what is served is told', async () => {
    const worker = await grid.worker(tiny, 'tiny');
    const client = await grid.client();
    const job = { ...textJob(SHORT), model: modelNameSchema.parse('org/absent:Q4_K_M') };
    await expect(client.submit(job)).rejects.toMatchObject({
      code: 'model-not-found',
      hint: expect.stringContaining('aipg-tiny'),
    });
    await worker.drain({ timeoutMs: 0 });
  });

  test('waits if it is told to, is told its place, and is done when a worker comes', async () => {
    const lonely = await TestGrid.start();
    try {
      const client = await lonely.client();
      const model = modelNameSchema.parse('aipg-tiny');
      const job = await client.submit({ ...textJob(SHORT), model }, { wait: true });
      const events = job.events()[Symbol.asyncIterator]();
      const seen = await until(events, ({ type }) => type === 'waiting');
      expect(seen.at(-1)).toEqual({ type: 'waiting', place: 1 });
      const worker = await lonely.worker(tiny, 'late');
      expect((await until(events, ({ type }) => type === 'done')).at(-1)).toMatchObject({ attempt: 1 });
      await worker.drain();
    } finally {
      await lonely[Symbol.asyncDispose]();
    }
  });
});

describe('a waiting job', () => {
  test('is told its place behind others and how long it may take', async () => {
    const crowded = await TestGrid.start();
    const model = await loadEndlessModel(1);
    try {
      const worker = await crowded.worker(model, 'one');
      const client = await crowded.client();
      const running = await client.submit(endlessJob());
      await until(running.events()[Symbol.asyncIterator](), isChunk);
      const jobs = await Promise.all([1, 2, 3].map(() => client.submit(endlessJob())));
      const last = jobs[2]?.events()[Symbol.asyncIterator]();
      if (!last) throw new Error('No job.');
      const waited = await until(last, ({ type }) => type === 'leased');
      const places = waited.flatMap((event: JobEvent) => (event.type === 'waiting' ? [event.place] : []));
      expect(places[0]).toBe(3);
      expect(places).toEqual([...places].sort((a, b) => b - a));
      await worker.drain({ timeoutMs: 0 });
    } finally {
      await crowded[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
    }
  });

  test('can be cancelled by its id alone, from another connection, and never runs', async () => {
    const client = await grid.client();
    const elsewhere = await grid.client();
    const model = modelNameSchema.parse('nobody');
    const job = await client.submit({ ...textJob(SHORT), model }, { wait: true });
    const ended = job.result();
    await elsewhere.job(job.id).cancel('by hand');
    expect(await ended).toEqual({ status: 'cancelled', reason: 'by hand' });
    expect(await elsewhere.job(job.id).result()).toEqual({ status: 'cancelled', reason: 'by hand' });
    expect(await elsewhere.job(job.id).view()).toMatchObject({ status: 'cancelled', model: 'nobody' });
  });

  test('of an id that nobody knows is not found', async () => {
    const client = await grid.client();
    await expect(client.job(newJobId()).view()).rejects.toMatchObject({ code: 'job-not-found' });
    await expect(client.job(newJobId()).result()).rejects.toMatchObject({ code: 'job-not-found' });
    await expect(client.job(newJobId()).cancel('x')).rejects.toMatchObject({ code: 'job-not-found' });
  });

  test('of another account is not found, nor listed', async () => {
    const mine = await grid.client(other);
    const theirs = await grid.client(accountSchema.parse('third'));
    const model = modelNameSchema.parse('nobody');
    const job = await mine.submit({ ...textJob(SHORT), model }, { wait: true, detach: true });
    await expect(theirs.job(job.id).view()).rejects.toMatchObject({ code: 'job-not-found' });
    await expect(theirs.job(job.id).cancel('x')).rejects.toMatchObject({ code: 'job-not-found' });
    expect(await theirs.jobs({ since: 0, limit: 100 })).toEqual([]);
    const listed = await mine.jobs({ since: 0, limit: 100 });
    expect(listed.find((one) => one.job === job.id)).toMatchObject({ status: 'waiting', model: 'nobody' });
  });
});
