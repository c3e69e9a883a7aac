import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drainWorker } from '../../../src/runtime/bus/drain-worker.ts';
import { openWorkersBucket } from '../../../src/runtime/bus/provision.ts';
import { endJob } from '../../../src/runtime/bus/record.ts';
import { Roster } from '../../../src/runtime/bus/roster.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { accountSchema, LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel, TestGrid, textJob } from '../../support/grid.ts';
import { scopeRecorder } from '../../support/scope-recorder.ts';

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

describe('a worker', () => {
  test('drained in the middle of a job finishes it, takes no other and leaves', async () => {
    const worker = await grid.worker(model);
    const client = await grid.client();
    const events = (await client.submit(endlessJob())).events()[Symbol.asyncIterator]();
    await until(events, isChunk);
    const drained = worker.drain();
    expect((await rest(events)).at(-1)?.type).toBe('done');
    await drained;
    expect(worker.counts.done).toBe(1);
    await using roster = await Roster.open(await grid.connect());
    expect(roster.workers()).toEqual([]);
  });

  test('hears that it is to drain, once it is there', async () => {
    const connection = await grid.connect();
    const worker = await grid.worker(model);
    expect(await drainWorker(connection, worker.id)).toBe(true);
    await worker.toldToDrain;
    await worker.drain();
    expect(await drainWorker(connection, worker.id)).toBe(false);
  });

  test('in a hurry gives its job back, and another ends it with the same text', async () => {
    const client = await grid.client();
    const first = await grid.worker(model, 'first');
    const undisturbed = await (await client.submit(endlessJob('hurry'))).result();
    const events = (await client.submit(endlessJob('hurry'))).events()[Symbol.asyncIterator]();
    const before = await until(events, isChunk);
    const second = await grid.worker(model, 'second');
    await first.drain({ timeoutMs: 0 });
    const after = await rest(events);
    expect(after.map((event) => event.type)).toContain('retrying');
    expect(after.at(-1)).toMatchObject({ type: 'done', attempt: 2, outcome: { worker: second.id } });
    expect(undisturbed).toMatchObject({ status: 'done', text: textOf([...before, ...after]) });
    await second.drain();
  });

  test('tells less often of an answer that nobody reads as it comes, and the same', async () => {
    const worker = await grid.worker(model);
    const client = await grid.client();
    const eventsOf = async (stream: boolean) =>
      rest((await client.submit({ ...endlessJob('unread'), stream })).events()[Symbol.asyncIterator]());
    const [read, unread] = [await eventsOf(true), await eventsOf(false)];
    expect(textOf(unread)).toBe(textOf(read));
    expect(unread.filter(isChunk).length).toBeLessThan(read.filter(isChunk).length);
    await worker.drain();
  });

  test('reuses what it has read within an account only, and of sealed jobs nothing', async () => {
    const { engine, scopes } = scopeRecorder();
    const worker = await grid.worker(engine);
    const [alice, bob] = [await grid.client(accountSchema.parse('alice')), await grid.client()];
    await (await alice.submit(textJob('one'))).result();
    await (await bob.submit(textJob('two'))).result();
    await (await alice.submit(textJob('three'), { sealed: true })).result();
    expect(scopes).toEqual(['alice', LOCAL_ACCOUNT, undefined]);
    await worker.drain();
  });

  test('refuses a malformed job, counts it and serves the next', async () => {
    const worker = await grid.worker(model);
    const connection = await grid.connect();
    const js = jetstream(connection);
    for (const payload of ['garbage', '{}', '[1]', '"x"']) {
      await js.publish('aipg.job.text.standard.fresh.endless.local', payload);
    }
    const client = await grid.client();
    const result = await (await client.submit(endlessJob())).result();
    expect(result.status).toBe('done');
    await worker.drain();
    expect(worker.counts).toMatchObject({ done: 1, refused: 4 });
    const manager = await jetstreamManager(connection);
    expect((await manager.streams.info(STREAMS.jobs)).state.messages).toBe(0);
  });

  test('tells how a job ended when whoever ended it did not come to tell', async () => {
    const worker = await grid.worker(model);
    const client = await grid.client();
    const job = await client.submit(endlessJob());
    const events = job.events()[Symbol.asyncIterator]();
    await until(events, isChunk);
    const record = { status: 'cancelled', reason: 'by one that died' } as const;
    expect(await endJob(await grid.store(), LOCAL_ACCOUNT, job.id, record)).toBe(true);
    expect((await rest(events)).at(-1)).toEqual({ type: 'cancelled', reason: 'by one that died' });
    await worker.drain();
  });

  test('ignores a malformed control message', async () => {
    const worker = await grid.worker(model);
    const connection = await grid.connect();
    const client = await grid.client();
    const job = await client.submit(endlessJob());
    const events = job.events()[Symbol.asyncIterator]();
    await until(events, isChunk);
    for (const payload of ['', 'stop', '{"type":"stop"}'])
      connection.publish(`aipg.ctl.worker.${worker.id}`, payload);
    expect((await rest(events)).at(-1)?.type).toBe('done');
    await worker.drain();
  });

  test('never logs a prompt or an answer', () => {
    const log = JSON.stringify(grid.lines);
    expect(log).toContain('job ended here');
    expect(log).not.toContain('Once upon');
    expect(log).not.toContain('forest');
  });
});

describe('the roster', () => {
  test('ignores malformed and foreign heartbeats and counts them', async () => {
    const connection = await grid.connect();
    const bucket = await openWorkersBucket(connection);
    const malformed: string[] = [];
    await using roster = await Roster.open(connection, { onMalformed: (key) => malformed.push(key) });
    const worker = await grid.worker(model, 'honest');
    await bucket.put('liar', 'not a heartbeat');
    const stolen = await bucket.get(worker.id);
    await bucket.put('thief', stolen?.value ?? '');
    await using late = await Roster.open(connection, { onMalformed: (key) => malformed.push(key) });
    expect(late.workers().map(({ worker: id }) => id)).toEqual([worker.id]);
    expect(new Set(malformed)).toEqual(new Set(['liar', 'thief']));
    expect([...late.models()]).toEqual([['endless', 4]]);
    expect(roster.workers()).toEqual(late.workers());
    await worker.drain();
  });
});
