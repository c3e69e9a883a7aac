import type { z } from 'zod';
import { directAccess } from '../bus/job-queue.ts';
import { openWorkersBucket, provisionQueues } from '../bus/provision.ts';
import { claimJob, type RecordStore, readRecord, writeResult } from '../bus/record.ts';
import { encode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { consumerName, parseLease } from '../protocol/subjects.ts';
import type {
  beatRequestSchema,
  claimReplySchema,
  claimRequestSchema,
  doneReplySchema,
  finishReplySchema,
  finishRequestSchema,
  leaseRequestSchema,
  NextRequest,
  provisionReplySchema,
  provisionRequestSchema,
} from '../protocol/worker-requests.ts';

// What a director does on the bus for workers whose keys give them no right to. Whose request it is, the bus has proved
// by its subject; a job's id shows that the worker was given the job.

export async function provisionFor(
  { manager }: RecordStore,
  { kind, model }: z.infer<typeof provisionRequestSchema>,
): Promise<z.infer<typeof provisionReplySchema>> {
  return { queues: [...(await provisionQueues(manager, kind, model))] };
}

/** The job goes straight to the worker. @param reply an inbox: the bus sends there with rights of its own */
export function requestNextFor({ connection }: RecordStore, request: NextRequest, reply: string): void {
  const { kind, tier, lane, model, expiresMs } = request;
  const queue = { tier, lane, consumer: consumerName(kind, tier, lane, model) };
  directAccess(connection).requestNext(queue, expiresMs, reply);
}

/** @throws AipgError `job-refused` for what is no lease of a job */
export function sayOfLeaseFor(
  { connection }: RecordStore,
  { lease, word }: z.infer<typeof leaseRequestSchema>,
): void {
  if (parseLease(lease) === undefined) throw new AipgError('job-refused', 'That is not the lease of a job.');
  directAccess(connection).say(lease, word);
}

export async function claimFor(
  store: RecordStore,
  worker: WorkerId,
  { account, job, attempt }: z.infer<typeof claimRequestSchema>,
): Promise<z.infer<typeof claimReplySchema>> {
  return claimJob(store, account, job, attempt, worker);
}

/**
 * Writes a worker's result where nothing stands yet, or its own claim; never over another's.
 * @throws AipgError `job-refused` for a result in another worker's name
 */
export async function finishFor(
  store: RecordStore,
  worker: WorkerId,
  { account, job, expected, result }: z.infer<typeof finishRequestSchema>,
): Promise<z.infer<typeof finishReplySchema>> {
  if (result.status === 'done') {
    const { outcome, receipt = { worker } } = result;
    for (const named of [outcome.worker, receipt.worker]) {
      if (named !== worker) throw new AipgError('job-refused', `${worker} may not speak for ${named}.`);
    }
  }
  const before = await readRecord(store, account, job);
  if (before.record !== undefined && before.record.status !== 'claimed') {
    return { written: false, result: before.record };
  }
  const isOwn = before.record === undefined || before.record.worker === worker;
  if (!isOwn || before.sequence !== expected) return { written: false };
  return { written: await writeResult(store, account, job, result, expected) };
}

/** @throws AipgError `job-refused` for a heartbeat in another worker's name */
export async function beatFor(
  { connection }: RecordStore,
  worker: WorkerId,
  { heartbeat }: z.infer<typeof beatRequestSchema>,
): Promise<z.infer<typeof doneReplySchema>> {
  if (heartbeat !== null && heartbeat.worker !== worker) {
    throw new AipgError('job-refused', `${worker} may not speak for ${heartbeat.worker}.`);
  }
  const bucket = await openWorkersBucket(connection);
  if (heartbeat === null) await bucket.purge(worker);
  else await bucket.put(worker, encode(heartbeat));
  return { done: true };
}
