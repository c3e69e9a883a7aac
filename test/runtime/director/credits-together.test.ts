import { afterEach, describe, expect, test } from 'vitest';
import { openLedger } from '../../../src/runtime/bus/ledger.ts';
import { Director, type DirectorOptions } from '../../../src/runtime/director/director.ts';
import { endQueued } from '../../../src/runtime/director/job-ends.ts';
import { queueJob } from '../../../src/runtime/director/queue-job.ts';
import { microCredits } from '../../../src/runtime/protocol/credits.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { accountSchema, type JobId, newTicket } from '../../../src/runtime/protocol/ids.ts';
import type { Job, JobSpec } from '../../../src/runtime/protocol/job.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { GatedEngine } from '../../support/gated-engine.ts';
import { type Logged, recordingLog, TestGrid, textJob } from '../../support/grid.ts';
import { entriesOf, readLedger, sumOf } from '../../support/ledger.ts';
import { issue, transfer } from '../ledger/support.ts';

const alice = accountSchema.parse('alice');
const bob = accountSchema.parse('bob');
const FIRST = 'what does it cost?';

describe('jobs that are submitted at the same moment', () => {
  let grid: TestGrid;
  let engine: GatedEngine;

  const start = async (options: Partial<DirectorOptions> = {}) => {
    grid = await TestGrid.start({ credits: true, ...options });
    engine = new GatedEngine(4);
    await grid.worker(engine.model);
  };

  afterEach(async () => {
    engine.open();
    await grid[Symbol.asyncDispose]();
  });

  const queued = async () => (await (await grid.store()).manager.streams.info(STREAMS.jobs)).state.messages;
  const copy = async () => readLedger(await grid.connect('observer'));
  /** Costs what the first does, see {@link leave}. */
  const like = (): JobSpec => textJob('what does it give?');

  /** Two more, and what they log. */
  async function moreDirectors(stack: AsyncDisposableStack, aloneMs?: number): Promise<Logged[]> {
    const { log, lines } = recordingLog();
    for (const name of ['second', 'third']) {
      const connection = await grid.connect(name);
      stack.use(await Director.start({ connection, version: '0.0.0', log, credits: true, aloneMs }));
    }
    return lines;
  }

  /** Leaves alice with what a job can cost, so many times. */
  async function leave(jobs: number): Promise<number> {
    const client = await grid.client(alice);
    const first = textJob(FIRST);
    engine.end(FIRST);
    await (await client.submit(first)).result();
    await expect.poll(async () => entriesOf(await copy(), first.id)).toEqual(['reserve', 'settle']);
    const { entries, state } = await copy();
    const reserve = entries.find((entry) => entry.kind === 'reserve');
    const most = reserve?.kind === 'reserve' ? reserve.amount : Number.NaN;
    await using ledger = await openLedger(await grid.store(), { log: silentLog });
    const amount = microCredits(state.balance(alice).available - jobs * most);
    await ledger.append(() => [transfer(alice, bob, amount)]);
    return most;
  }

  /** How each ends: who has heard of the job before it was refused hears that it has failed. */
  async function outcomesOf(jobs: readonly JobSpec[]): Promise<string[]> {
    const client = await grid.client(alice);
    const outcomeOf = async (job: JobSpec) => {
      const result = await (await client.submit(job)).result();
      return result.status === 'failed' ? result.error.code : result.status;
    };
    return Promise.all(jobs.map((job) => outcomeOf(job).catch(codeOf)));
  }

  test('are never more than the account can pay, whichever of three directors is first', async () => {
    await start();
    await using stack = new AsyncDisposableStack();
    const lines = await moreDirectors(stack);
    engine.open();
    await leave(10);
    const jobs = Array.from({ length: 40 }, like);
    const outcomes = await outcomesOf(jobs);
    expect(new Set(outcomes)).toEqual(new Set(['done', 'insufficient-credits']));
    const accepted = jobs.filter((_, n) => outcomes[n] === 'done');
    expect(accepted.length).toBeGreaterThanOrEqual(10);
    await expectSettled(accepted);
    const after = await copy();
    for (const { id } of jobs.filter((job) => !accepted.includes(job))) {
      expect(entriesOf(after, id)).toEqual([]);
    }
    // Each waits for the ledger.
    expect(withdrawnIn([...lines, ...grid.lines])).toEqual([]);
  });

  test('are withdrawn where a director took itself for the only one', { timeout: 30_000 }, async () => {
    const aloneMs = -1;
    await start({ aloneMs });
    await using stack = new AsyncDisposableStack();
    const lines = await moreDirectors(stack, aloneMs);
    const most = await leave(1);
    const client = await grid.client(alice);
    await using ledger = await openLedger(await grid.store(), { log: silentLog });
    const withdrawn = () => withdrawnIn([...lines, ...grid.lines]);
    const submitted: JobSpec[] = [];
    // Until two of them are at it in the same moment; no job is done before that.
    while (withdrawn().length === 0) {
      const jobs = Array.from({ length: 6 }, like);
      const handles = await Promise.allSettled(jobs.map((job) => client.submit(job)));
      submitted.push(...jobs.filter((_, n) => handles[n]?.status === 'fulfilled'));
      await ledger.append(() => [issue(alice, most)]);
    }
    engine.open();
    const accepted = submitted.filter(({ id }) => !withdrawn().includes(id));
    for (const { id } of accepted) expect((await client.job(id).result()).status).toBe('done');
    await expectSettled(accepted);
    const after = await copy();
    for (const id of withdrawn()) {
      expect(await client.job(id).result()).toMatchObject({
        status: 'failed',
        error: { code: 'insufficient-credits' },
      });
      expect(entriesOf(after, id)).toEqual([]);
    }
  });

  async function expectSettled(jobs: readonly JobSpec[]): Promise<void> {
    await expect.poll(queued).toBe(0);
    await expect
      .poll(async () => [...(await copy()).state.reservations()].length, { timeout: 10_000 })
      .toBe(0);
    const after = await copy();
    for (const { id } of jobs) expect(entriesOf(after, id)).toEqual(['reserve', 'settle']);
    expect(after.state.balance(alice).available).toBeGreaterThanOrEqual(0);
    expect(sumOf(after)).toBe(0);
  }

  test('are taken back, also from the worker that has begun, when the credits for them are gone after all', async () => {
    await start();
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

/** The jobs that directors say that they have withdrawn. */
function withdrawnIn(lines: readonly Logged[]): JobId[] {
  const said = lines.filter(({ message }) => message === 'a job was withdrawn from the queue');
  return said.map(({ fields }) => fields['job'] as JobId);
}

function codeOf(error: unknown): string {
  if (error instanceof AipgError) return error.code;
  throw error;
}
