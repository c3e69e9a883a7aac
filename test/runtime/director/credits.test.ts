import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLedger } from '../../../src/runtime/bus/ledger.ts';
import { writeResult } from '../../../src/runtime/bus/record.ts';
import { Director } from '../../../src/runtime/director/director.ts';
import { GridCredits } from '../../../src/runtime/grids/credits.ts';
import { microCredits } from '../../../src/runtime/protocol/credits.ts';
import type { JobEvent } from '../../../src/runtime/protocol/events.ts';
import { accountSchema, newJobId } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { identityOf } from '../../../src/runtime/worker/identity.ts';
import { Worker } from '../../../src/runtime/worker/worker.ts';
import { until } from '../../support/events.ts';
import { endlessJob, TestGrid, textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';
import { entriesOf, readLedger, sumOf } from '../../support/ledger.ts';
import { pausingEngine, wordOf } from '../../support/pausing-engine.ts';
import { QUICK } from '../../support/quick-times.ts';

const alice = accountSchema.parse('alice');
const bob = accountSchema.parse('bob');

let grid: TestGrid;

beforeAll(async () => {
  grid = await TestGrid.start({ credits: true, reaperTimes: QUICK.reaperTimes });
  const connection = await grid.connect('worker');
  const identity = { ...identityOf(connection, 'box'), payTo: bob };
  const model = instantEngine({ slots: 2 });
  await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
});

afterAll(() => grid[Symbol.asyncDispose]());

const ledger = async () => readLedger(await grid.connect('observer'));
const settled = (job: ReturnType<typeof newJobId>) =>
  expect.poll(async () => entriesOf(await ledger(), job), { timeout: 10_000 });

describe('a job on a grid with a ledger', () => {
  test('is reserved for when it is accepted, and its worker paid when it has ended', async () => {
    const client = await grid.client(alice);
    const job = textJob('a fox');
    expect(await (await client.submit(job)).result()).toMatchObject({ status: 'done' });
    await settled(job.id).toEqual(['reserve', 'settle']);
    const { state, entries } = await ledger();
    const settle = entries.find((entry) => entry.kind === 'settle' && entry.job === job.id);
    expect(settle).toMatchObject({ payTo: bob, counts: { outputTokens: 1 } });
    expect(state.balance(alice).reserved).toBe(0);
    expect(state.balance(bob).available).toBeGreaterThan(0);
    expect(sumOf({ state, entries })).toBe(0);
  });

  test('that is cancelled in the middle is paid for as far as it came, though its worker writes the record itself', async () => {
    await using cut = await TestGrid.start({ credits: true });
    const connection = await cut.connect('worker');
    const identity = { ...identityOf(connection, 'box'), payTo: bob };
    const model = pausingEngine({ slots: 1, tokens: 3 });
    const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
    const job = await (await cut.client(alice)).submit(textJob('?'));
    const shown = (event: JobEvent) => event.type === 'chunk' && event.text.endsWith(wordOf(3));
    await until(job.events()[Symbol.asyncIterator](), shown);
    await job.cancel('enough');
    const copy = async () => readLedger(await cut.connect('observer'));
    await expect.poll(async () => entriesOf(await copy(), job.id)).toEqual(['reserve', 'settle']);
    const { entries, state } = await copy();
    expect(entries.at(-1)).toMatchObject({ payTo: bob, counts: { outputTokens: 3 } });
    expect(sumOf({ entries, state })).toBe(0);
    await worker.drain();
  });

  test('that is cancelled before anybody has it is refunded', async () => {
    const client = await grid.client(alice);
    const { id } = await client.submit(
      { ...textJob('nobody serves this'), model: 'nobody' as never },
      { wait: true },
    );
    expect((await ledger()).state.reservation(id)).toMatchObject({ account: alice });
    await client.job(id).cancel('enough');
    await settled(id).toEqual(['reserve', 'refund']);
  });

  test('submitted again is one job, which is paid for once', async () => {
    const client = await grid.client(alice);
    const job = textJob('twice');
    await (await client.submit(job)).result();
    await settled(job.id).toEqual(['reserve', 'settle']);
    expect(await (await client.submit(job)).result()).toMatchObject({ status: 'done' });
    await settled(job.id).toEqual(['reserve', 'settle']);
  });

  test('of an account that cannot pay is refused, with its balance, the price and what to do', async () => {
    const poor = accountSchema.parse('poor');
    const store = await grid.store();
    await using ours = await openLedger(store, { log: silentLog });
    const { allowance } = ours.state.policy.policy;
    await ours.append(() => [
      { kind: 'allowance', account: poor, amount: allowance },
      { kind: 'transfer', id: newJobId(), from: poor, to: bob, amount: microCredits(allowance - 10) },
    ]);
    const client = await grid.client(poor);
    await expect(client.submit(endlessJob('7', 1_000))).rejects.toMatchObject({
      code: 'insufficient-credits',
      exitCode: 5,
      message: expect.stringContaining('this account has 0.00001'),
      hint: expect.stringMatching(/A million tokens cost .+ --max-tokens/),
    });
    expect(ours.state.balance(poor).reserved).toBe(0);
  });

  test('is not ended by a record under another account', async () => {
    const store = await grid.store();
    const client = await grid.client(alice);
    const { id } = await client.submit({ ...textJob('mine'), model: 'nobody' as never }, { wait: true });
    await writeResult(store, bob, id, { status: 'cancelled', reason: 'not yours' }, 0);
    const other = textJob('after it');
    await (await client.submit(other)).result();
    await settled(other.id).toEqual(['reserve', 'settle']);
    expect(entriesOf(await ledger(), id)).toEqual(['reserve']);
    await client.job(id).cancel('enough');
    await settled(id).toEqual(['reserve', 'refund']);
  });

  test('whose result no director has seen is settled by the one that looks after it', async () => {
    const store = await grid.store();
    const client = await grid.client(alice);
    const job = textJob('unseen');
    await store.manager.consumers.pause('AIPG_RESULTS', 'settler', new Date(Date.now() + 3_600_000));
    await (await client.submit(job)).result();
    await settled(job.id).toEqual(['reserve', 'settle']);
    await store.manager.consumers.resume('AIPG_RESULTS', 'settler');
  });
});

describe('earnings', () => {
  test('tell what was done and is not settled, of the own account alone', async () => {
    await using slow = await TestGrid.start({ credits: true });
    const { manager } = await slow.store();
    await manager.consumers.pause('AIPG_RESULTS', 'settler', new Date(Date.now() + 3_600_000));
    const connection = await slow.connect('worker');
    const identity = { ...identityOf(connection, 'box'), payTo: bob };
    const model = instantEngine({ slots: 1 });
    const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
    const creditsOf = (account: typeof bob) =>
      GridCredits.open({ where: 'bus', name: 'test', url: slow.bus.url, account });
    await using his = await creditsOf(bob);
    await using hers = await creditsOf(alice);
    expect(await his.earnings()).toMatchObject({ pending: { jobs: 0, earned: 0 }, unsettled: 0 });
    await (await (await slow.client(alice)).submit(textJob('behind'))).result();
    const { pending, unsettled, total } = await his.earnings();
    expect({ jobs: pending.jobs, unsettled, total: total.jobs }).toEqual({ jobs: 1, unsettled: 1, total: 0 });
    expect(pending.earned).toBeGreaterThan(0);
    expect(await hers.earnings()).toMatchObject({ pending: { jobs: 0, earned: 0 }, unsettled: 1 });

    await manager.consumers.resume('AIPG_RESULTS', 'settler');
    const second = await slow.connect('second');
    await using _ = await Director.start({ connection: second, version: '0.0.0', log: silentLog });
    await expect.poll(async () => (await his.earnings()).pending.jobs, { timeout: 10_000 }).toBe(0);
    expect((await his.earnings()).total.earned).toBe(pending.earned);
    await worker.drain();
  });
});

describe('a director', () => {
  test('takes up the ledger that another one makes, and prices by it, without a restart', async () => {
    await using late = await TestGrid.start({ credits: false });
    const connection = await late.connect('worker');
    const identity = { ...identityOf(connection, 'box'), payTo: bob };
    const model = instantEngine({ slots: 1 });
    const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
    const client = await late.client(alice);
    const free = textJob('free');
    expect(await (await client.submit(free)).result()).toMatchObject({ status: 'done' });

    const other = await late.connect('other');
    const maker = await Director.start({
      connection: other,
      version: '0.0.0',
      log: silentLog,
      credits: true,
    });
    await maker[Symbol.asyncDispose]();
    await expect
      .poll(() => late.lines.map(({ message }) => message))
      .toContain('the grid has a ledger now: jobs are paid for');
    const paid = textJob('paid');
    await (await client.submit(paid)).result();
    const copy = async () => readLedger(await late.connect('observer'));
    await expect
      .poll(async () => entriesOf(await copy(), paid.id), { timeout: 10_000 })
      .toEqual(['reserve', 'settle']);
    expect(entriesOf(await copy(), free.id)).toEqual([]);
    await worker.drain();
  });

  test('that is told nothing counts credits where the grid has a ledger', async () => {
    const director = await Director.start({
      connection: await grid.connect('second'),
      version: '0.0.0',
      log: silentLog,
    });
    await grid.director[Symbol.asyncDispose]();
    const client = await grid.client(alice);
    const job = textJob('by the second');
    await (await client.submit(job)).result();
    await settled(job.id).toEqual(['reserve', 'settle']);
    await director[Symbol.asyncDispose]();
  });

  test('does not go without on such a grid', async () => {
    const connection = await grid.connect('third');
    await expect(
      Director.start({ connection, version: '0.0.0', log: silentLog, credits: false }),
    ).rejects.toMatchObject({ code: 'usage' });
  });

  test('counts none where there is no ledger', async () => {
    await using free = await TestGrid.start();
    const connection = await free.connect('worker');
    const identity = identityOf(connection, 'box');
    const model = instantEngine({ slots: 1 });
    const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
    const client = await free.client(alice);
    expect(await (await client.submit(textJob('free'))).result()).toMatchObject({ status: 'done' });
    const { manager } = await free.store();
    expect(await manager.streams.names().next()).not.toContain('AIPG_LEDGER');
    await worker.drain();
  });
});
