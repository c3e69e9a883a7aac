import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLedger } from '../../../src/runtime/bus/ledger.ts';
import { Director } from '../../../src/runtime/director/director.ts';
import { endQueued } from '../../../src/runtime/director/job-ends.ts';
import { queueJob } from '../../../src/runtime/director/queue-job.ts';
import { microCredits } from '../../../src/runtime/protocol/credits.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { accountSchema, newJobId, newTicket } from '../../../src/runtime/protocol/ids.ts';
import type { Job } from '../../../src/runtime/protocol/job.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { GatedEngine } from '../../support/gated-engine.ts';
import { TestGrid, textJob } from '../../support/grid.ts';
import { entriesOf, readLedger, sumOf } from '../../support/ledger.ts';

const alice = accountSchema.parse('alice');
const bob = accountSchema.parse('bob');

describe('jobs that are submitted at the same moment', () => {
  let grid: TestGrid;
  let engine: GatedEngine;

  beforeEach(async () => {
    grid = await TestGrid.start({ credits: true });
    engine = new GatedEngine(4);
    await grid.worker(engine.model);
  });

  afterEach(async () => {
    engine.open();
    await grid[Symbol.asyncDispose]();
  });

  const queued = async () => (await (await grid.store()).manager.streams.info(STREAMS.jobs)).state.messages;
  const copy = async () => readLedger(await grid.connect('observer'));

  test('are never more than the account can pay, whichever of three directors is first', async () => {
    await using stack = new AsyncDisposableStack();
    for (const name of ['second', 'third']) {
      const connection = await grid.connect(name);
      stack.use(await Director.start({ connection, version: '0.0.0', log: silentLog, credits: true }));
    }
    engine.open();
    const client = await grid.client(alice);
    const first = textJob('what does it cost?');
    await (await client.submit(first)).result();
    await expect.poll(async () => entriesOf(await copy(), first.id)).toEqual(['reserve', 'settle']);
    const { entries, state } = await copy();
    const reserve = entries.find((entry) => entry.kind === 'reserve');
    const most = reserve?.kind === 'reserve' ? reserve.amount : Number.NaN;
    {
      await using ledger = await openLedger(await grid.store(), { log: silentLog });
      // What is left pays for ten at once.
      const amount = microCredits(state.balance(alice).available - 10 * most);
      await ledger.append(() => [{ kind: 'transfer', id: newJobId(), from: alice, to: bob, amount }]);
    }
    const jobs = Array.from({ length: 40 }, () => ({ ...first, id: newJobId() }));
    const outcomes = await Promise.all(
      jobs
        .map(async (job) => {
          const result = await (await client.submit(job)).result();
          // Who has heard of the job before it was refused hears that it has failed.
          return result.status === 'failed' ? result.error.code : result.status;
        })
        .map((outcome) => outcome.catch(codeOf)),
    );
    expect(new Set(outcomes)).toEqual(new Set(['done', 'insufficient-credits']));
    const accepted = jobs.filter((_, n) => outcomes[n] === 'done');
    expect(accepted.length).toBeGreaterThanOrEqual(10);
    await expect.poll(queued).toBe(0);
    await expect
      .poll(async () => [...(await copy()).state.reservations()].length, { timeout: 10_000 })
      .toBe(0);
    const after = await copy();
    for (const { id } of accepted) expect(entriesOf(after, id)).toEqual(['reserve', 'settle']);
    for (const { id } of jobs.filter((job) => !accepted.includes(job))) {
      expect(entriesOf(after, id)).toEqual([]);
    }
    expect(after.state.balance(alice).available).toBeGreaterThanOrEqual(0);
    expect(sumOf(after)).toBe(0);
  });

  test('are taken back, also from the worker that has begun, when the credits for them are gone after all', async () => {
    const store = await grid.store();
    const spec = textJob('too dear');
    const { id } = spec;
    const job: Job = {
      ...spec,
      ...{
        account: alice,
        model: engine.model.facts.name,
        protocol: PROTOCOL_VERSION,
        acceptedAt: Date.now(),
      },
      priorAttempts: 0,
    };
    const { sequence } = await queueJob(store, job, 'fresh', id, { ticket: newTicket() });
    await expect.poll(() => engine.begun).toEqual(['too dear']);
    const error = new AipgError('insufficient-credits', 'Another was first.');
    await endQueued(store, { job, sequence }, { status: 'failed', error: error.toJSON() });
    await expect.poll(queued).toBe(0);
    const client = await grid.client(alice);
    expect(await client.job(id).result()).toMatchObject({ status: 'failed', error: { code: error.code } });
    // The slot is free again: all four are begun.
    for (const prompt of ['a', 'b', 'c', 'd']) await client.submit(textJob(prompt));
    await expect.poll(() => [...engine.begun].sort()).toEqual(['a', 'b', 'c', 'd', 'too dear']);
  });
});

function codeOf(error: unknown): string {
  if (error instanceof AipgError) return error.code;
  throw error;
}
