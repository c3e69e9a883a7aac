import type { z } from 'zod';
import { addPart, type RecordStore, readResult } from '../bus/record.ts';
import { AipgError } from '../protocol/errors.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { type Claim, type CutShort, isCutShort, type Result } from '../protocol/result.ts';
import type { finishRequestSchema, partReplySchema, partRequestSchema } from '../protocol/worker-requests.ts';
import { notHandedOut, requireOwnName, type TicketStore, wasHandedOut } from './handed-out.ts';
import { readFirstWorker } from './shown.ts';

/**
 * Puts what a worker has streamed of a job that was ended over its head with the job's record, by which it is paid.
 * @throws AipgError `job-refused` for a job that the worker was not handed, or that another was working on
 */
export async function partFor(
  store: TicketStore,
  worker: WorkerId,
  asked: z.infer<typeof partRequestSchema>,
): Promise<z.infer<typeof partReplySchema>> {
  const { account, job, part } = asked;
  requireOwnName(worker, part.receipt.worker);
  if (!(await wasHandedOut(store, asked))) {
    const ended = await readResult(store, account, job);
    // Its first answer was lost, and the job is settled and forgotten by now.
    if (ended && isCutShort(ended) && ended.part?.receipt.worker === worker) return { written: false };
    throw notHandedOut();
  }
  const isHolder = async ({ claim }: CutShort) => {
    if ((claim?.worker ?? (await readFirstWorker(store, account, job, asked.ticket)) ?? worker) === worker)
      return true;
    throw new AipgError('job-refused', 'Another worker had that job when it ended.');
  };
  return { written: await addPart(store, account, job, part, isHolder) };
}

/**
 * A worker's result as it may be written: with the claim that it replaces, whatever the worker says of that. What it says
 * that it has streamed of a job that nobody has claimed counts only if it leased it first: else who did would go empty.
 * @throws AipgError `job-refused` for a cancellation, which is not a worker's to write
 */
export async function resultOfWorker(
  store: RecordStore,
  worker: WorkerId,
  { account, job, ticket, result }: z.infer<typeof finishRequestSchema>,
  claim: Claim | undefined,
): Promise<Result> {
  if (result.status === 'done') return result;
  if (result.status === 'cancelled') throw new AipgError('job-refused', 'A worker cannot cancel a job.');
  const { part, claim: _said, endedAt: _told, ...failed } = result;
  const isOwn =
    part !== undefined &&
    (claim !== undefined || ((await readFirstWorker(store, account, job, ticket)) ?? worker) === worker);
  return { ...failed, ...(claim && { claim }), ...(isOwn && { part }) };
}
