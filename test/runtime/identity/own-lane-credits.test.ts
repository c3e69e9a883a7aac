import { describe, expect, test } from 'vitest';
import { openLedger } from '../../../src/runtime/bus/ledger.ts';
import { microCredits } from '../../../src/runtime/protocol/credits.ts';
import { newJobId } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { GatedEngine } from '../../support/gated-engine.ts';
import { entriesOf, readLedger } from '../../support/ledger.ts';
import { doneBy, startOwnersGrid } from '../../support/owners-grid.ts';
import { QUICK } from '../../support/quick-times.ts';

/** Nobody has credits or gets an allowance; carol has a worker. */
async function startPoorGrid() {
  const owners = await startOwnersGrid(1, { credits: true, reaperTimes: QUICK.reaperTimes });
  const store = await owners.grid.store();
  const carolId = await owners.grid.account('carol');
  {
    await using ledger = await openLedger(store, { log: silentLog });
    await ledger.append((state) => [
      { kind: 'policy', policy: { ...state.policy.policy, allowance: microCredits(0) } },
    ]);
  }
  return {
    ...owners,
    store,
    carolId,
    copy: () => readLedger(store.connection),
    /** Gives carol credits. */
    issue: async (amount: number) => {
      await using ledger = await openLedger(store, { log: silentLog });
      await ledger.append(() => [
        { kind: 'issue', id: newJobId(), account: carolId, amount: microCredits(amount) },
      ]);
    },
    [Symbol.asyncDispose]: () => owners[Symbol.asyncDispose](),
  };
}

describe('a job of an account without credits', () => {
  test("is done by the account's own worker, and costs nothing", async () => {
    await using grid = await startPoorGrid();
    grid.engine.open();
    const job = await grid.carol('mine');
    expect(await job.result()).toMatchObject(doneBy(grid.worker));
    await expect.poll(async () => entriesOf(await grid.copy(), job.id)).toEqual(['reserve', 'settle']);
    const { entries, state } = await grid.copy();
    expect(entries.at(-1)).toMatchObject({ isOwn: true, pay: 0, share: 0, freed: 0, postings: [] });
    expect(state.balance(grid.carolId)).toEqual({ available: 0, reserved: 0 });
  });

  test('is refused to who has no worker, and where the own one serves no more', async () => {
    await using grid = await startPoorGrid();
    await expect(grid.alice('a')).rejects.toMatchObject({ code: 'insufficient-credits' });
    const other = new GatedEngine(1);
    await grid.grid.worker(other.model, 'dave');
    await grid.worker.drain();
    await expect(grid.carol('mine')).rejects.toMatchObject({ code: 'insufficient-credits' });
  });

  test('waits for its own workers when those of others are free, whom only one that can pay goes to', {
    timeout: 40_000,
  }, async () => {
    await using grid = await startPoorGrid();
    await grid.carol('long');
    await grid.begun('long');
    const other = new GatedEngine(2);
    const dave = await grid.grid.worker(other.model, 'dave');
    other.open();
    const poor = await grid.carol('poor');
    await grid.issue(1_000_000);
    const rich = await grid.carol('rich');
    expect(await rich.result()).toMatchObject(doneBy(dave));
    expect(other.begun).toEqual(['rich']);
    expect(await poor.view()).toMatchObject({ status: 'waiting', attempts: [] });
    grid.engine.open();
    expect(await poor.result()).toMatchObject(doneBy(grid.worker));
  });

  test('ends when its own workers stop, with what to do, and nobody is paid', async () => {
    await using grid = await startPoorGrid();
    const begun = await grid.carol('begun');
    await grid.begun('begun');
    const waiting = await grid.carol('waiting');
    const other = new GatedEngine(2);
    await grid.grid.worker(other.model, 'dave');
    await grid.worker.drain({ timeoutMs: 200 });
    for (const job of [begun, waiting]) {
      expect(await job.result()).toMatchObject({
        status: 'failed',
        error: { code: 'insufficient-credits', hint: expect.stringContaining('aipg worker') },
      });
      await expect.poll(async () => entriesOf(await grid.copy(), job.id)).toEqual(['reserve', 'refund']);
    }
    expect(other.begun).toEqual([]);
    await expect.poll(grid.own).toBe(0);
  });

  test("goes back to its own workers' queue when the bus has lost it", async () => {
    await using grid = await startPoorGrid();
    await grid.carol('long');
    await grid.begun('long');
    const job = await grid.carol('lost');
    const other = new GatedEngine(2);
    await grid.grid.worker(other.model, 'dave');
    const { state } = await grid.store.manager.streams.info(STREAMS.jobs);
    await grid.store.manager.streams.deleteMessage(STREAMS.jobs, state.last_seq);
    await expect.poll(() => grid.grid.director.reaped.requeued, { timeout: 20_000 }).toBe(1);
    grid.engine.open();
    expect(await job.result()).toMatchObject(doneBy(grid.worker));
    expect(other.begun).toEqual([]);
  });
});
