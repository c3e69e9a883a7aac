import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  claimJob,
  endJob,
  type RecordStore,
  readRecord,
  readResult,
  writeResult,
} from '../../../src/runtime/bus/record.ts';
import { LOCAL_ACCOUNT, newJobId, workerIdSchema } from '../../../src/runtime/protocol/ids.ts';
import type { Result } from '../../../src/runtime/protocol/result.ts';
import { TestGrid } from '../../support/grid.ts';

let grid: TestGrid;
let store: RecordStore;

beforeAll(async () => {
  grid = await TestGrid.start();
  store = await grid.store();
});

afterAll(() => grid[Symbol.asyncDispose]());

const worker = workerIdSchema.parse('worker-1');
const ended = (reason: string): Result => ({ status: 'cancelled', reason });

describe('the record of a job', () => {
  test('of a first attempt is written where there is none', async () => {
    const job = newJobId();
    expect(await writeResult(store, LOCAL_ACCOUNT, job, ended('first'), 0)).toBe(true);
    expect(await readResult(store, LOCAL_ACCOUNT, job)).toEqual(ended('first'));
  });

  test('cannot be written by an attempt that was overtaken, however late it comes', async () => {
    const job = newJobId();
    const second = await claimJob(store, LOCAL_ACCOUNT, job, 2, worker);
    expect(await writeResult(store, LOCAL_ACCOUNT, job, ended('first, late'), 0)).toBe(false);
    const third = await claimJob(store, LOCAL_ACCOUNT, job, 3, worker);
    if (second.outcome !== 'claimed' || third.outcome !== 'claimed') throw new Error('Not claimed.');
    expect(await writeResult(store, LOCAL_ACCOUNT, job, ended('second, late'), second.sequence)).toBe(false);
    expect(await claimJob(store, LOCAL_ACCOUNT, job, 2, worker)).toEqual({ outcome: 'overtaken' });
    expect(await writeResult(store, LOCAL_ACCOUNT, job, ended('third'), third.sequence)).toBe(true);
    expect(await claimJob(store, LOCAL_ACCOUNT, job, 4, worker)).toEqual({
      outcome: 'ended',
      result: ended('third'),
    });
  });

  test('larger than a message goes through the object store', async () => {
    const job = newJobId();
    const result: Result = {
      status: 'failed',
      error: { code: 'job-failed', message: 'x'.repeat(3_000_000) },
    };
    expect(await writeResult(store, LOCAL_ACCOUNT, job, result, 0)).toBe(true);
    expect(await readResult(store, LOCAL_ACCOUNT, job)).toEqual(result);
  });

  test('is one, whatever attempts and cancels do at the same time, and never changes again', async () => {
    const action = fc.record({
      attempt: fc.integer({ min: 1, max: 4 }),
      does: fc.constantFrom('finish', 'claim and finish', 'cancel'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 8 }), async (actions) => {
        const job = newJobId();
        const won = await Promise.all(
          actions.map(async ({ attempt, does }, i): Promise<string | undefined> => {
            const result = ended(`action ${i}`);
            let isWritten = false;
            if (does === 'cancel') isWritten = await endJob(store, LOCAL_ACCOUNT, job, result);
            else if (does === 'finish') isWritten = await writeResult(store, LOCAL_ACCOUNT, job, result, 0);
            else {
              const claim = await claimJob(store, LOCAL_ACCOUNT, job, attempt + 1, worker);
              if (claim.outcome === 'claimed')
                isWritten = await writeResult(store, LOCAL_ACCOUNT, job, result, claim.sequence);
            }
            return isWritten ? `action ${i}` : undefined;
          }),
        );
        const winners = won.filter((name) => name !== undefined);
        const { record } = await readRecord(store, LOCAL_ACCOUNT, job);
        expect(winners.length).toBeLessThanOrEqual(1);
        // Every claim may have been overtaken by one that came later and lost to nobody but it.
        if (record?.status === 'cancelled') expect(winners).toEqual([record.reason]);
        else expect(winners).toEqual([]);
        expect(await endJob(store, LOCAL_ACCOUNT, job, ended('at last'))).toBe(winners.length === 0);
      }),
      { numRuns: 60 },
    );
  });
});
