import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endJob, readRecord } from '../../../src/runtime/bus/record.ts';
import type { Grid } from '../../../src/runtime/grids/grid.ts';
import type { EntryOf } from '../../../src/runtime/ledger/entry.ts';
import { costOf } from '../../../src/runtime/protocol/credits.ts';
import type { JobId } from '../../../src/runtime/protocol/ids.ts';
import type { Job } from '../../../src/runtime/protocol/job.ts';
import { type ModelName, modelNameSchema, type Sha256 } from '../../../src/runtime/protocol/model.ts';
import type { Worker } from '../../../src/runtime/worker/worker.ts';
import { isChunk, textOf, until } from '../../support/events.ts';
import { textJob } from '../../support/grid.ts';
import { HandWorker, type Held } from '../../support/hand-worker.ts';
import { entriesOf, readLedger, sumOf } from '../../support/ledger.ts';
import { OpenGrid } from '../../support/open-grid.ts';
import { pausingEngine, wordOf } from '../../support/pausing-engine.ts';

/** The worker of a job that was cut short is waited for this long. */
const GRACE_MS = 2_500;
/** What an engine says before it pauses. */
const TOKENS = 5;
const WORDS = [1, 2, 3, 4, 5].map(wordOf).join('');

let grid: OpenGrid;
let alice: Grid;

beforeAll(async () => {
  grid = await OpenGrid.start({
    credits: true,
    partGraceMs: GRACE_MS,
    reaperTimes: { firstLookMs: 300, clientGraceMs: 600 },
  });
  alice = await grid.client('alice');
});
afterAll(() => grid[Symbol.asyncDispose]());

const ledger = async () => readLedger((await grid.store()).connection);
const entriesFor = async (id: JobId) => entriesOf(await ledger(), id);

/** How a job's reservation ended. */
async function endingOf(id: JobId, timeout = 10_000): Promise<EntryOf<'settle'> | EntryOf<'refund'>> {
  await expect.poll(async () => (await entriesFor(id)).length, { timeout }).toBe(2);
  const copy = await ledger();
  expect(sumOf(copy)).toBe(0);
  const ending = copy.entries.find(
    (entry) => (entry.kind === 'settle' || entry.kind === 'refund') && entry.job === id,
  );
  if (ending?.kind !== 'settle' && ending?.kind !== 'refund') throw new Error(`Job ${id} is not settled.`);
  return ending;
}

/** Asks for an answer, and has read as much of it as there will be. */
async function readUntilPause(options: { readonly timeoutMs?: number; readonly sealed?: boolean } = {}) {
  const { timeoutMs, sealed = false } = options;
  const job = await alice.submit({ ...textJob('?'), limits: { timeoutMs } }, { sealed });
  const events = job.events()[Symbol.asyncIterator]();
  let text = '';
  await until(events, (event) => {
    text += isChunk(event) ? textOf([{ ...event, textOffset: 0 } as typeof event]) : '';
    return text === WORDS;
  });
  return { job, events };
}

describe('a job that is cancelled in the middle of its answer', () => {
  let worker: Worker;
  beforeAll(async () => {
    worker = await grid.worker(pausingEngine({ slots: 4, tokens: TOKENS }), 'erin');
  });
  afterAll(() => worker.drain());

  test('pays for exactly what was delivered; the rest is freed', async () => {
    const { job } = await readUntilPause();
    const reserved = (await ledger()).state.reservation(job.id);
    if (!reserved) throw new Error('Nothing is reserved.');
    expect(await job.cancel('enough')).toBe(true);
    const settle = await endingOf(job.id, GRACE_MS);
    const counts = { inputTokens: 8, outputTokens: TOKENS };
    expect(settle).toMatchObject({ kind: 'settle', counts, payTo: await grid.account('erin'), isOwn: false });
    if (settle.kind !== 'settle') return;
    const cost = costOf(counts, reserved.rates, reserved.multiplier);
    expect(settle.pay + settle.share).toBe(cost);
    expect(settle.freed).toBe(reserved.amount - cost);
    expect(cost).toBeGreaterThan(0);
    // It stays what it was for who asks how it ended.
    expect(await alice.job(job.id).view()).toMatchObject({
      status: 'cancelled',
      output: { text: WORDS },
      final: { type: 'cancelled', reason: 'enough' },
    });
  });

  test('and sealed pays by the sizes of what was delivered', async () => {
    const { job } = await readUntilPause({ sealed: true });
    await job.cancel('enough');
    expect(await endingOf(job.id, GRACE_MS)).toMatchObject({
      kind: 'settle',
      counts: { outputTokens: TOKENS },
      counted: 'sizes',
    });
  });

  test('pays, too, when its time limit ends it', async () => {
    const { job } = await readUntilPause({ timeoutMs: 700 });
    expect(await job.result()).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect(await endingOf(job.id, GRACE_MS)).toMatchObject({
      kind: 'settle',
      counts: { outputTokens: TOKENS },
    });
  });

  test('pays, too, when its client goes away', async () => {
    const credentials = await grid.member('user', 'alice');
    const connection = await grid.connect(credentials);
    const { createBusGrid } = await import('../../../src/runtime/grids/bus.ts');
    const leaving = createBusGrid({ name: 'test', connection, account: credentials.account });
    const job = await leaving.submit(textJob('?'));
    await until(job.events()[Symbol.asyncIterator](), isChunk);
    await connection.close();
    expect(await endingOf(job.id, 30_000)).toMatchObject({
      kind: 'settle',
      counts: { outputTokens: TOKENS },
    });
  });

  test('pays, too, when the one that cancelled it did not come to tell', async () => {
    const { job } = await readUntilPause();
    const record = { status: 'cancelled', reason: 'by one that died' } as const;
    const account = await grid.account('alice');
    expect(await endJob(await grid.store(), account, job.id, record)).toBe(true);
    expect(await endingOf(job.id)).toMatchObject({
      kind: 'settle',
      counts: { outputTokens: TOKENS },
    });
  });

  test('pays who went on with it for the whole output', async () => {
    const { job, events } = await readUntilPause();
    const heir = await grid.worker(pausingEngine({ slots: 4, tokens: 2 * TOKENS }), 'frank');
    await grid.connectionOf(worker).close();
    let text = '';
    await until(events, (event) => {
      if (event.type === 'chunk') text += event.text;
      return text.endsWith(wordOf(2 * TOKENS));
    });
    await job.cancel('enough');
    expect(await endingOf(job.id, GRACE_MS)).toMatchObject({
      kind: 'settle',
      worker: heir.id,
      counts: { outputTokens: 2 * TOKENS },
    });
    await heir.drain();
  });
});

describe('a job that is cancelled', () => {
  test('before anybody leased it is refunded at once', async () => {
    const { id } = await submitTo(modelOf('nobody'));
    await alice.job(id).cancel('enough');
    expect(await endingOf(id, GRACE_MS / 2)).toMatchObject({ kind: 'refund', reason: 'cancelled' });
  });

  test('pays its worker, too, that has to stop at once', async () => {
    const onStop = async () => void worker.drain({ timeoutMs: 0 });
    const worker = await grid.worker(pausingEngine({ slots: 1, tokens: TOKENS, onStop }), 'erin');
    const { job } = await readUntilPause();
    await job.cancel('enough');
    await worker.drain();
    expect(await endingOf(job.id, GRACE_MS)).toMatchObject({
      kind: 'settle',
      counts: { outputTokens: TOKENS },
    });
  });

  test('before its first token is refunded as soon as its worker says so', async () => {
    const worker = await grid.worker(pausingEngine({ slots: 1, tokens: 0 }), 'erin');
    const job = await alice.submit(textJob('?'));
    await until(job.events()[Symbol.asyncIterator](), ({ type }) => type === 'leased');
    await job.cancel('enough');
    expect(await endingOf(job.id, GRACE_MS / 2)).toMatchObject({ kind: 'refund', reason: 'cancelled' });
    await worker.drain();
  });

  test('whose worker is gone by then is refunded once it has had its time', async () => {
    const { held, id } = await heldBy('gone');
    await held.worker.stream(held, 1, 5);
    const cancelledAt = Date.now();
    await alice.job(id).cancel('enough');
    expect(await endingOf(id)).toMatchObject({ kind: 'refund', reason: 'cancelled' });
    expect(Date.now() - cancelledAt).toBeGreaterThanOrEqual(GRACE_MS);
    // It comes too late.
    await held.worker.say(held, held.worker.part(held, 5)).catch(() => undefined);
    expect(await entriesFor(id)).toEqual(['reserve', 'refund']);
  });
});

describe('a worker of a job that was cut short', () => {
  test('gains nothing by what it publishes after the end', async () => {
    const { held, id } = await heldBy('pads');
    const { worker } = held;
    await worker.stream(held, 1, 5);
    await alice.job(id).cancel('enough');
    await worker.stream(held, 6, 50);
    expect(await worker.say(held, worker.part(held, 50))).toBe(true);
    expect(await endingOf(id)).toMatchObject({ kind: 'settle', counts: { outputTokens: 5 } });
  });

  test('gains nothing by signing what it never showed', async () => {
    const { held, id } = await heldBy('boasts');
    const { worker } = held;
    await worker.stream(held, 1, 5);
    // Behind a gap.
    await worker.stream(held, 8, 9);
    await alice.job(id).cancel('enough');
    await worker.say(held, worker.part(held, 9));
    expect(await endingOf(id)).toMatchObject({ kind: 'settle', counts: { outputTokens: 5 } });
  });

  test('is paid nothing for another text than it showed', async () => {
    const { held, id } = await heldBy('swaps');
    const { worker } = held;
    await worker.stream(held, 1, 5);
    await alice.job(id).cancel('enough');
    const part = worker.part(held, 5);
    await worker.say(held, {
      ...part,
      text: part.text.replace('word1', 'wordy'),
      tokens: [...part.tokens, 6],
    });
    expect(await endingOf(id)).toMatchObject({ kind: 'refund', reason: 'unsettled' });
  });

  test('says it once', async () => {
    const { held, id } = await heldBy('repeats');
    const { worker } = held;
    await worker.stream(held, 1, 5);
    await alice.job(id).cancel('enough');
    const said = await Promise.all([5, 3, 5, 1].map((tokens) => worker.say(held, worker.part(held, tokens))));
    expect(said.filter(Boolean)).toHaveLength(1);
    await endingOf(id);
    expect(await worker.say(held, worker.part(held, 5))).toBe(false);
    expect(await entriesFor(id)).toEqual(['reserve', 'settle']);
  });

  test('says nothing of a job that is in work, or done with', async () => {
    const { held, id } = await heldBy('hurries');
    const { worker } = held;
    await worker.stream(held, 1, 5);
    expect(await worker.say(held, worker.part(held, 5))).toBe(false);
    const error = { code: 'internal', message: 'broken' } as const;
    const { job, lease } = held;
    await worker.link.finish(job.account, job.id, { status: 'failed', error }, 0, lease);
    expect(await worker.say(held, worker.part(held, 5))).toBe(false);
    expect(await endingOf(id)).toMatchObject({ kind: 'refund', reason: 'failed' });
  });

  test('cannot end it so itself: neither cancel it, nor before its time limit', async () => {
    const cancelling = await heldBy('cancels');
    const { job, lease, worker } = cancelling.held;
    await worker.stream(cancelling.held, 1, 5);
    const part = worker.part(cancelling.held, 5);
    const cancelled = { status: 'cancelled', reason: 'mine', part } as const;
    await expect(worker.link.finish(job.account, job.id, cancelled, 0, lease)).rejects.toMatchObject({
      code: 'job-refused',
    });
    await alice.job(job.id).cancel('enough');

    for (const timeoutMs of [60_000, undefined]) {
      const early = await heldBy(`early${timeoutMs ?? ''}`, timeoutMs);
      const by = early.held.worker;
      await by.stream(early.held, 1, 5);
      const error = { code: 'timeout', message: 'now' } as const;
      const { account } = early.held.job;
      const failed = { status: 'failed', error, part: by.part(early.held, 5) } as const;
      await by.link.finish(account, early.id, failed, 0, early.held.lease);
      expect(await endingOf(early.id)).toMatchObject({ kind: 'refund', reason: 'unsettled' });
    }
  });

  test('cannot speak for a job that it was not handed, nor in the name of another', async () => {
    const { held, id } = await heldBy('honest');
    await held.worker.stream(held, 1, 5);
    await alice.job(id).cancel('enough');
    const mallory = await handWorker('mallory');
    // Whatever an accomplice who asked has told it: all but the ticket.
    const guessed = { ...held, lease: Object.assign(Object.create(held.lease), { ticket: 'x'.repeat(26) }) };
    const refused = { code: 'job-refused' };
    await expect(mallory.say(guessed, mallory.part(held, 5))).rejects.toMatchObject(refused);
    await expect(mallory.say(held, held.worker.part(held, 5))).rejects.toMatchObject(refused);
    await held.worker.say(held, held.worker.part(held, 5));
    expect(await endingOf(id)).toMatchObject({ kind: 'settle', worker: held.worker.identity.id });
  });

  test('cannot take the pay of the one that worked on it, though both were handed it', async () => {
    const { held, id } = await heldBy('robbed');
    await held.worker.stream(held, 1, 5);
    held.lease.giveBack();
    const mallory = await handWorker('mallory');
    const stolen = await mallory.take(held.job.model);
    // Nor by what it says afterwards.
    await mallory.lease(stolen, 1);
    await alice.job(id).cancel('enough');
    await expect(mallory.say(stolen, mallory.part(stolen, 5))).rejects.toMatchObject({ code: 'job-refused' });
    await held.worker.say(held, held.worker.part(held, 5));
    expect(await endingOf(id)).toMatchObject({ kind: 'settle', worker: held.worker.identity.id });
  });

  test('cannot make it go unpaid by saying first that it has leased it', async () => {
    const model = modelOf('forestalled');
    const { id } = await submitTo(model);
    const [honest, mallory] = [await handWorker('honest'), await handWorker('mallory')];
    // Who asked has told it the job's id before anybody has leased it.
    const { id: liar } = mallory.identity;
    const account = await grid.account('alice');
    const job = { id, account } as Job;
    await mallory.publish(job, { type: 'leased', attempt: 1, worker: liar });
    await mallory.publish(job, { type: 'leased', attempt: 1, worker: liar, proof: 'a'.repeat(64) as Sha256 });
    const held = { ...(await honest.take(model)), worker: honest };
    await honest.lease(held);
    await honest.stream(held, 1, 5);
    await alice.job(id).cancel('enough');
    await honest.say(held, honest.part(held, 5));
    expect(await endingOf(id)).toMatchObject({ kind: 'settle', worker: honest.identity.id });
  });

  test('cannot make it go unpaid by words of its own, once another has claimed it', async () => {
    const { held: first, id } = await heldBy('spoiler');
    const mallory = first.worker;
    first.lease.giveBack();
    const honest = await handWorker('honest');
    const held = { ...(await honest.take(first.job.model)), worker: honest };
    expect(await honest.link.claim(held.job.account, id, 2, held.lease)).toMatchObject({
      outcome: 'claimed',
    });
    await honest.lease(held, 2);
    // Junk where the answer is to stand, and an attempt that never was.
    const junk = { tokenOffset: 0, textOffset: 0, text: 'junk', tokens: [99] };
    await mallory.publish(held.job, { type: 'chunk', attempt: 2, ...junk });
    await mallory.lease(first, 7);
    await honest.stream(held, 1, 5, 2);
    await alice.job(id).cancel('enough');
    await expect(mallory.say(first, mallory.part(first, 5))).rejects.toMatchObject({ code: 'job-refused' });
    await honest.say(held, honest.part(held, 5, 2));
    expect(await endingOf(id)).toMatchObject({ kind: 'settle', worker: honest.identity.id });
    const { record } = await readRecord(await grid.store(), held.job.account, id);
    expect(record).toMatchObject({ status: 'cancelled', claim: { worker: honest.identity.id } });
  });
});

const modelOf = (name: string): ModelName => modelNameSchema.parse(`org/${name}`);

async function handWorker(account: string): Promise<HandWorker> {
  return HandWorker.start((await grid.raw('worker', account)).connection);
}

async function submitTo(model: ModelName, timeoutMs?: number): Promise<{ readonly id: JobId }> {
  return alice.submit({ ...textJob('?'), model, limits: { timeoutMs } }, { wait: true });
}

/** A job that a worker played by hand has leased. */
async function heldBy(
  name: string,
  timeoutMs?: number,
): Promise<{ readonly id: JobId; readonly held: Held & { readonly worker: HandWorker } }> {
  const model = modelOf(name);
  const { id } = await submitTo(model, timeoutMs);
  const worker = await handWorker('carol');
  const held = { ...(await worker.take(model)), worker };
  await worker.lease(held);
  return { id, held };
}
