import { EventEmitter, once } from 'node:events';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLedger } from '../../../src/runtime/bus/ledger.ts';
import type { GridSnapshot, KnownEarnings } from '../../../src/runtime/monitor/grid-snapshot.ts';
import { Monitor } from '../../../src/runtime/monitor/monitor.ts';
import { accountSchema } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import type { ModelName } from '../../../src/runtime/protocol/model.ts';
import { identityOf } from '../../../src/runtime/worker/identity.ts';
import { Worker } from '../../../src/runtime/worker/worker.ts';
import { TestGrid, textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';

const alice = accountSchema.parse('alice');
const bob = accountSchema.parse('bob');
const MODEL = 'instant' as ModelName;

/** A monitor of bob's, the questions that it asks, and a wait for what its picture shows. */
async function watch(grid: TestGrid, options: { readonly earnings?: boolean } = {}) {
  const changes = new EventEmitter();
  const connection = await grid.connect('monitor');
  const asked: string[] = [];
  const listener = await grid.connect('listener');
  const listening = listener.subscribe('aipg.req.bob.*', {
    callback: (_, { subject }) => void asked.push(subject.split('.').at(-1) ?? ''),
  });
  await listener.flush();
  const monitor = await Monitor.open({
    connection,
    account: bob,
    onChange: () => changes.emit('change'),
    ...options,
  });
  const until = async (shown: (snapshot: GridSnapshot) => boolean) => {
    while (!shown(monitor.snapshot)) await once(changes, 'change');
    return monitor.snapshot;
  };
  const earnings = async (shown: (earnings: KnownEarnings) => boolean) => {
    const snapshot = await until(({ earnings: of }) => of.state === 'known' && shown(of));
    return snapshot.earnings as KnownEarnings;
  };
  return {
    ...{ monitor, asked, until, earnings },
    [Symbol.asyncDispose]: async () => {
      listening.unsubscribe();
      await monitor[Symbol.asyncDispose]();
    },
  };
}

describe('on a grid with a ledger', () => {
  let grid: TestGrid;
  let worker: Worker;

  beforeAll(async () => {
    grid = await TestGrid.start({ credits: true });
    const connection = await grid.connect('worker');
    const identity = { ...identityOf(connection, 'box'), payTo: bob };
    const model = instantEngine({ slots: 2 });
    worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
  });
  afterAll(async () => {
    await worker.drain();
    await grid[Symbol.asyncDispose]();
  });

  const done = async (account: typeof alice) => {
    const job = textJob('a secret of mine');
    await (await (await grid.client(account)).submit(job)).result();
    return job.id;
  };

  test('a watcher hears of each job that its workers were paid for, and what it has then', async () => {
    await using watched = await watch(grid, { earnings: true });
    const before = await watched.earnings(() => true);
    expect(before).toMatchObject({ account: 'bob', receipts: [] });
    const id = await done(alice);
    const after = await watched.earnings(({ receipts, total }) => receipts.length === 1 && total.jobs === 1);
    expect(after.receipts).toMatchObject([{ job: id, worker: worker.id, outputTokens: 1, isOwn: false }]);
    const [{ earned } = { earned: 0 }] = after.receipts;
    expect(earned).toBeGreaterThan(0);
    expect(after).toMatchObject({ available: earned, today: earned, total: { earned } });
    expect(after.days.at(-1)).toMatchObject({ jobs: 1, earned });
    expect(watched.monitor.snapshot.workers.get(worker.id)).toMatchObject({ earned });
    // One who comes later is told of it as well.
    await using late = await watch(grid, { earnings: true });
    expect((await late.earnings(() => true)).receipts).toEqual(after.receipts);
  });

  test('work for its own account is a receipt without pay', async () => {
    await using watched = await watch(grid, { earnings: true });
    const id = await done(bob);
    const { receipts } = await watched.earnings((of) => of.receipts[0]?.job === id);
    expect(receipts[0]).toMatchObject({ isOwn: true, earned: 0 });
  });

  test('nobody is asked for earnings that nobody looks at, and they are up to date when somebody does', async () => {
    await using watched = await watch(grid);
    const id = await done(alice);
    await watched.until(({ workers }) => workers.get(worker.id)?.earned !== undefined);
    expect(watched.monitor.snapshot.earnings).toEqual({ state: 'unknown' });
    watched.monitor.showEarnings(true);
    const { receipts } = await watched.earnings((of) => of.receipts[0]?.job === id);
    expect(receipts.length).toBeGreaterThan(0);
    expect(watched.asked.filter((verb) => verb === 'earnings')).toHaveLength(1);
    watched.monitor.showEarnings(false);
    const other = await done(alice);
    // Its questions come behind the receipt.
    await using second = await watch(grid, { earnings: true });
    await second.earnings((of) => of.receipts[0]?.job === other);
    expect(watched.asked.filter((verb) => verb === 'earnings')).toHaveLength(2);
  });

  test('many settlements at once are few questions', async () => {
    await using watched = await watch(grid, { earnings: true });
    const { total } = await watched.earnings(() => true);
    await Promise.all(Array.from({ length: 12 }, () => done(alice)));
    await watched.earnings((of) => of.total.jobs === total.jobs + 12);
    expect(watched.asked.filter((verb) => verb === 'earnings').length).toBeLessThanOrEqual(4);
  });

  test('models have the price that directors charge, and another when an operator sets it', async () => {
    await using watched = await watch(grid);
    const priced = await watched.until(({ models }) => models.get(MODEL)?.price !== undefined);
    expect(priced.isPaid).toBe(true);
    expect(priced.models.get(MODEL)?.price).toMatchObject({ basis: 'policy' });
    const rates = { input: 7, output: 11 };
    const { sha256 } = instantEngine({ slots: 1 }).facts;
    const store = await grid.store();
    await using ledger = await openLedger(store, { log: silentLog });
    await ledger.append(() => [{ kind: 'price', model: sha256, name: MODEL, rates, basis: 'set' }]);
    await watched.until(({ models }) => models.get(MODEL)?.price?.output === 11);
    expect(watched.monitor.snapshot.models.get(MODEL)?.price).toEqual({ ...rates, basis: 'set' });
  });
});

test('after a break of the bus, receipts go on where they were', async () => {
  await using grid = await TestGrid.start({ credits: true });
  const connection = await grid.connect('worker');
  const identity = { ...identityOf(connection, 'box'), payTo: bob };
  const model = instantEngine({ slots: 1 });
  const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
  await using watched = await watch(grid, { earnings: true });
  const client = await grid.client(alice);
  const ids: string[] = [];
  const done = async () => {
    const job = textJob('x');
    ids.unshift(job.id);
    await (await client.submit(job)).result();
  };
  await done();
  await watched.earnings(({ receipts }) => receipts.length === 1);
  process.kill(grid.bus.server.pid as number, 'SIGKILL');
  await watched.until(({ connection: { state } }) => state === 'lost');
  await watched.until(({ connection: { state } }) => state === 'live');
  await done();
  const { receipts } = await watched.earnings((of) => of.receipts.length === 2 && of.total.jobs === 2);
  expect(receipts.map(({ job }) => job)).toEqual(ids);
  await worker.drain();
});

test('on a grid without a ledger nothing is paid, and no director is asked', async () => {
  await using grid = await TestGrid.start();
  await using watched = await watch(grid, { earnings: true });
  await watched.until(({ earnings }) => earnings.state === 'free');
  expect(watched.monitor.snapshot.isPaid).toBe(false);
  expect(watched.asked).not.toContain('earnings');
});
