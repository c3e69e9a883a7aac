import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Chunk, LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { createBusGrid } from '../../../src/runtime/grids/bus.ts';
import type { Grid } from '../../../src/runtime/grids/grid.ts';
import { ModelShelf } from '../../../src/runtime/host/model-shelf.ts';
import { BUNDLED_SHA256 } from '../../../src/runtime/models/bundled.ts';
import { chargeFor } from '../../../src/runtime/protocol/charge.ts';
import { accountSchema, type JobId } from '../../../src/runtime/protocol/ids.ts';
import type { JobSpec } from '../../../src/runtime/protocol/job.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { type ModelName, modelNameSchema, sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { loadTinyModel, STORY, textJob } from '../../support/grid.ts';
import { entriesOf, readLedger } from '../../support/ledger.ts';
import { OpenGrid } from '../../support/open-grid.ts';
import { QUICK } from '../../support/quick-times.ts';

const TINY = modelNameSchema.parse('aipg-tiny');
/** Of the bundled model, and no text. */
const CONTROL = 4;

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());
let grid: OpenGrid;
let alice: Grid;
let operator: Grid;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'aipg-prices-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const shelf = stack.use(new ModelShelf({ env: {}, cacheDir: dir, log: silentLog }));
  const { measure, countTokens } = shelf;
  grid = await OpenGrid.start({ credits: true, measure, countTokens, reaperTimes: QUICK.reaperTimes });
  stack.use(grid);
  alice = await grid.client('alice');
  const credentials = await grid.member('operator', 'operator');
  operator = createBusGrid({
    name: 'test',
    connection: await grid.connect(credentials),
    account: credentials.account,
  });
  const model = await loadTinyModel(1);
  stack.use(model);
  await grid.worker(model, 'bob');
  await grid.worker(disguised(model, 'padded', pad), 'mallory');
  await grid.worker(disguised(model, 'altered', alter), 'mallory');
  await grid.worker(
    disguised(model, 'llama-405b', (chunk) => chunk),
    'mallory',
  );
}, 60_000);

/** A worker's model that is not what it says, or does not do what it should. */
function disguised(model: LoadedModel, name: string, change: (chunk: Chunk) => Chunk): LoadedModel {
  return {
    ...model,
    facts: { ...model.facts, name: name as ModelName },
    async *generate(input, signal) {
      for await (const chunk of model.generate(input, signal)) yield change(chunk);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function pad(chunk: Chunk): Chunk {
  return { ...chunk, tokens: [...chunk.tokens, CONTROL, CONTROL] };
}

function alter(chunk: Chunk): Chunk {
  return { ...chunk, text: chunk.text.toUpperCase() };
}

const ledger = async () => readLedger((await grid.store()).connection);

async function ended(job: JobSpec) {
  const handle = await alice.submit(job);
  const result = await handle.result();
  const charge = await handle.charge();
  await expect.poll(async () => entriesOf(await ledger(), job.id).length, { timeout: 10_000 }).toBe(2);
  const { entries } = await ledger();
  const end = entries.findLast((entry) => 'job' in entry && entry.job === job.id);
  if (result.status !== 'done' || end === undefined || charge === undefined)
    throw new Error('It did not end well.');
  return { result, charge, end };
}

const job = (model: string, limits: JobSpec['limits'] = {}): JobSpec => ({
  ...textJob(STORY),
  model: modelNameSchema.parse(model),
  limits,
});

describe('a model whose file a director has', () => {
  test("is priced by the file's header, under the file's own name", async () => {
    await expect
      .poll(async () => (await alice.prices()).prices)
      .toEqual([
        { price: 2, name: TINY, model: BUNDLED_SHA256, rates: { input: 41, output: 720 }, basis: 'header' },
      ]);
  });

  test('has no other price for a worker that calls it by a greater name', async () => {
    const { charge } = await alice.quote(job('llama-405b'));
    expect(charge?.basis).toBe('policy');
  });

  test('is quoted at what is then reserved, and a quote reserves nothing', async () => {
    const before = (await ledger()).state.n;
    const { charge, model, slots, available } = await alice.quote(job(TINY));
    expect({ model, slots, available }).toEqual({ model: TINY, slots: 1, available: 10_000_000 });
    expect((await ledger()).state.n).toBe(before);
    const run = await ended(job(TINY));
    const { basis: _, counts: __, ...terms } = charge ?? {};
    expect(run.charge).toEqual(terms);
  });

  test('is paid for by the tokens that its vocabulary finds in the answer', async () => {
    const { result, charge, end } = await ended(job(TINY));
    const { promptTokens: inputTokens, outputTokens } = result.outcome;
    expect(end).toMatchObject({ kind: 'settle', counts: { inputTokens, outputTokens }, counted: 'text' });
    if (end.kind !== 'settle') return;
    expect(end.pay + end.share).toBe(chargeFor(charge, { inputTokens, outputTokens }));
  });
});

describe('a worker that cheats', () => {
  test('is not paid for tokens without text', async () => {
    const honest = await ended(job(TINY));
    const { result, end } = await ended(job('padded'));
    expect(result.tokens.length).toBeGreaterThan(2 * honest.result.tokens.length);
    const { promptTokens: inputTokens, outputTokens } = honest.result.outcome;
    expect(end).toMatchObject({ kind: 'settle', counts: { inputTokens, outputTokens } });
  });

  test('is not paid at all for a text that its tokens do not give', async () => {
    const { end } = await ended(job('altered'));
    expect(end).toMatchObject({ kind: 'refund', reason: 'unsettled' });
  });
});

describe('a job that may cost more than its asker will pay', () => {
  test('is refused, and so is its quote; nothing is reserved', async () => {
    const asked = job(TINY, { maxCost: 0 });
    const refusal = { code: 'job-refused', message: expect.stringContaining('0.000001 credits') };
    await expect(alice.submit(asked)).rejects.toMatchObject(refusal);
    await expect(alice.quote(asked)).rejects.toMatchObject(refusal);
    expect(entriesOf(await ledger(), asked.id as JobId)).toEqual([]);
  });

  test('is taken at exactly its price', async () => {
    const { charge } = await alice.quote(job(TINY));
    await ended(job(TINY, { maxCost: charge?.most ?? 0 }));
  });
});

describe('the price of a model', () => {
  const rates = { input: 1_000_000, output: 3_000_000 };

  test('is set by an operator, for jobs from then on', async () => {
    const price = await operator.setPrice({ name: TINY, rates });
    expect(price).toMatchObject({ name: TINY, model: BUNDLED_SHA256, rates, basis: 'set' });
    const { charge } = await ended(job(TINY));
    expect(charge).toMatchObject({ price: price.price, rates });
  });

  test('is set for a file that nobody serves yet, given its hash', async () => {
    const model = sha256Schema.parse('ef'.repeat(32));
    await operator.setPrice({ name: modelNameSchema.parse('to-come'), model, rates });
    expect((await alice.prices()).prices).toContainEqual(expect.objectContaining({ name: 'to-come', model }));
  });

  test('is not set for a name that means no file', async () => {
    const set = operator.setPrice({ name: modelNameSchema.parse('nothing'), rates });
    await expect(set).rejects.toMatchObject({ code: 'model-not-found' });
  });

  test('is not for anybody else to set', async () => {
    await expect(alice.setPrice({ name: TINY, rates })).rejects.toMatchObject({ code: 'not-permitted' });
    for (const role of ['user', 'worker', 'monitor', 'director'] as const) {
      const { connection, violations } = await grid.raw(role, accountSchema.parse('eve'));
      connection.publish('aipg.adm.price', '{}');
      await connection.flush();
      // A director is trusted with the whole grid.
      if (role !== 'director') await expect.poll(() => [...violations]).toContain('publish aipg.adm.price');
    }
  });
});
