import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFirstWorker, readShown } from '../../../src/runtime/director/shown.ts';
import { encode } from '../../../src/runtime/protocol/codec.ts';
import type { JobEvent } from '../../../src/runtime/protocol/events.ts';
import {
  type JobId,
  LOCAL_ACCOUNT,
  newJobId,
  newTicket,
  type WorkerId,
} from '../../../src/runtime/protocol/ids.ts';
import { leaseProof } from '../../../src/runtime/protocol/lease-proof.ts';
import { subjects } from '../../../src/runtime/protocol/subjects.ts';
import { TestGrid } from '../../support/grid.ts';

let grid: TestGrid;
beforeAll(async () => {
  grid = await TestGrid.start();
});
afterAll(() => grid[Symbol.asyncDispose]());

const LATER_MS = 60_000;
const END = { type: 'cancelled', reason: 'enough' } as const;
const TICKET = newTicket();
const lease = (worker: string, ticket = TICKET): JobEvent => ({
  ...{ type: 'leased', attempt: 1, worker: worker as WorkerId },
  proof: leaseProof(ticket, worker as WorkerId),
});
const chunk = (token: number): JobEvent => ({
  ...{ type: 'chunk', attempt: 1, tokenOffset: token, textOffset: token },
  ...{ text: 'x', tokens: [token] },
});

async function published(...events: readonly JobEvent[]): Promise<JobId> {
  const job = newJobId();
  const { connection } = await grid.store();
  for (const event of events) connection.publish(subjects.event(LOCAL_ACCOUNT, job), encode(event));
  await connection.flush();
  return job;
}

async function shown(job: JobId, endedAt = Date.now()) {
  const { chunks, firstWorker } = await readShown(await grid.store(), LOCAL_ACCOUNT, job, endedAt, TICKET);
  return { tokens: chunks.flatMap(({ tokens }) => tokens), firstWorker };
}

describe("what a job's readers were shown", () => {
  test('ends with the event of its end, whatever is published behind it', async () => {
    const job = await published(lease('first'), chunk(0), chunk(1), END, chunk(2), lease('second'), END);
    expect(await shown(job)).toEqual({ tokens: [0, 1], firstWorker: 'first' });
  });

  test('ends with its record where nobody has told of the end', async () => {
    const job = await published(lease('first'), chunk(0));
    expect(await shown(job)).toMatchObject({ tokens: [0] });
    expect(await shown(job, Date.now() - LATER_MS)).toEqual({ tokens: [], firstWorker: undefined });
  });

  test('goes on behind an end that was told of before it came', async () => {
    const job = await published(lease('first'), chunk(0), END, chunk(1));
    expect(await shown(job, Date.now() + LATER_MS)).toMatchObject({ tokens: [0, 1] });
  });

  test('names who leased it first', async () => {
    const store = await grid.store();
    const first = async (job: JobId) => readFirstWorker(store, LOCAL_ACCOUNT, job, TICKET);
    expect(await first(await published(chunk(0), lease('first'), lease('second')))).toBe('first');
    expect(await first(await published(chunk(0)))).toBeUndefined();
    // Nor does who was not handed it count, whatever it says before.
    const { proof: _, ...bare } = lease('liar') as Extract<JobEvent, { type: 'leased' }>;
    expect(await first(await published(bare, lease('liar', newTicket()), lease('first')))).toBe('first');
  });
});
