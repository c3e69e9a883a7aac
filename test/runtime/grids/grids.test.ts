import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import type { Grid } from '../../../src/runtime/grids/grid.ts';
import { createLocalGrid } from '../../../src/runtime/grids/local.ts';
import type { JobEvent } from '../../../src/runtime/protocol/events.ts';
import { LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { endlessJob, loadEndlessModel, loadTinyModel, STORY, TestGrid, textJob } from '../../support/grid.ts';
import { scopeRecorder } from '../../support/scope-recorder.ts';

let grid: TestGrid;
const models: LoadedModel[] = [];
let overBus: Grid;
let inProcess: Grid;
let endlessInProcess: Grid;

const tiny = modelNameSchema.parse('aipg-tiny');
const endless = modelNameSchema.parse('endless');

beforeAll(async () => {
  grid = await TestGrid.start();
  models.push(await loadTinyModel(2), await loadEndlessModel(1));
  for (const model of models) await grid.worker(model);
  overBus = await grid.client();
  inProcess = createLocalGrid(await loadTinyModel(1));
  endlessInProcess = createLocalGrid(await loadEndlessModel(1));
});

afterAll(async () => {
  await inProcess[Symbol.asyncDispose]();
  await endlessInProcess[Symbol.asyncDispose]();
  await grid[Symbol.asyncDispose]();
  for (const model of models) await model[Symbol.asyncDispose]();
});

describe('over a bus as in this process', () => {
  test.each([0, 0.8])(
    'the same seed gives the same text and tokens at temperature %d',
    async (temperature) => {
      for (const seed of ['7', '8', '9']) {
        const job = () => textJob(STORY, { seed, sampling: { temperature } });
        const there = await (await overBus.submit({ ...job(), model: tiny })).result();
        const here = await (await inProcess.submit(job())).result();
        expect(there.status).toBe('done');
        if (there.status !== 'done' || here.status !== 'done') continue;
        expect(there.text).toBe(here.text);
        expect(there.tokens).toEqual(here.tokens);
        expect(there.text.length).toBeGreaterThan(50);
      }
    },
  );

  test('what a process has read for itself it may reuse, under one name', async () => {
    const { engine, scopes } = scopeRecorder();
    await using local = createLocalGrid(engine);
    for (const word of ['one', 'two']) await (await local.submit(textJob(word))).result();
    expect(scopes).toEqual([LOCAL_ACCOUNT, LOCAL_ACCOUNT]);
  });

  test.each(['bus', 'local'])('events come in order and their chunks have no gap: %s', async (where) => {
    const events: JobEvent[] = [];
    const job = await (where === 'bus' ? overBus : inProcess).submit({ ...textJob(STORY), model: tiny });
    for await (const event of job.events()) events.push(event);
    let text = '';
    let tokens = 0;
    for (const event of events) {
      if (event.type !== 'chunk') continue;
      expect(event.textOffset).toBe(text.length);
      expect(event.tokenOffset).toBe(tokens);
      text += event.text;
      tokens += event.tokens.length;
    }
    expect(events[0]?.type).toBe('accepted');
    expect(events.at(-1)).toMatchObject({
      type: 'done',
      outcome: { textLength: text.length, finishReason: 'stop' },
    });
    expect(events.filter((event) => event.type === 'chunk').length).toBeGreaterThan(1);
  });

  test.each(['bus', 'local'])('a cancel ends the job and frees the slot: %s', async (where) => {
    const client = where === 'bus' ? overBus : endlessInProcess;
    const job = await client.submit({ ...endlessJob(), model: endless });
    const types: string[] = [];
    for await (const event of job.events()) {
      types.push(event.type);
      if (event.type === 'chunk') await job.cancel('enough');
    }
    expect(types.at(-1)).toBe('cancelled');
    expect(types).not.toContain('done');
    const next = await client.submit({
      ...endlessJob(),
      model: endless,
      input: { ...endlessJob().input, maxTokens: 5 },
    });
    expect((await next.result()).status).toBe('done');
  });

  test.each(['bus', 'local'])(
    'a prompt that does not fit fails at once and says both numbers: %s',
    async (where) => {
      const client = where === 'bus' ? overBus : inProcess;
      const result = await (await client.submit(textJob('word '.repeat(4_000)))).result();
      expect(result).toMatchObject({ status: 'failed', error: { code: 'context-exceeded' } });
      if (result.status === 'failed') expect(result.error.message).toMatch(/\d+ tokens.*2048/);
    },
  );

  test.each(['bus', 'local'])('a job that takes longer than it may times out: %s', async (where) => {
    const client = where === 'bus' ? overBus : endlessInProcess;
    const job = { ...endlessJob(), model: endless, limits: { timeoutMs: 50 } };
    const result = await (await client.submit(job)).result();
    expect(result).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
  });

  test.each(['bus', 'local'])('a job makes no signal that outlives it: %s', async (where) => {
    // Such a one keeps its timer to the end of its time, whatever becomes of what it was for.
    using signals = vi.spyOn(AbortSignal, 'timeout');
    const job = { ...textJob(STORY), model: tiny, limits: { timeoutMs: 60_000 } };
    const { status } = await (await (where === 'bus' ? overBus : inProcess).submit(job)).result();
    expect(status).toBe('done');
    expect(signals).not.toHaveBeenCalled();
  });
});

describe('over a bus', () => {
  test('a model that nobody serves is refused with those that are served', async () => {
    const job = { ...textJob(STORY), model: modelNameSchema.parse('org/other:Q4_K_M') };
    await expect(overBus.submit(job)).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringContaining('org/other:Q4_K_M'),
      hint: expect.stringContaining('aipg-tiny'),
    });
  });

  test('a model is found by a part of its name', async () => {
    const job = { ...textJob(STORY), model: modelNameSchema.parse('TINY') };
    expect((await (await overBus.submit(job)).result()).status).toBe('done');
  });

  test('the same job submitted twice is done once', async () => {
    const job = textJob(STORY);
    const [first, second] = await Promise.all([overBus.submit(job), overBus.submit(job)]);
    const results = await Promise.all([first.result(), second.result()]);
    expect(results[0]).toEqual(results[1]);
    expect(first.id).toBe(second.id);
  });

  test('more jobs than slots are all done', async () => {
    const jobs = await Promise.all(
      Array.from({ length: 20 }, (_, n) => overBus.submit(textJob(STORY, { seed: String(n) }))),
    );
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(results.map((result) => result.status)).toEqual(Array.from({ length: 20 }, () => 'done'));
  });
});
