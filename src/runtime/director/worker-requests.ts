import type { z } from 'zod';
import { directAccess } from '../bus/job-queue.ts';
import { openWorkersBucket, provisionQueues } from '../bus/provision.ts';
import { claimJob, type RecordStore, readRecord, readResult, writeResult } from '../bus/record.ts';
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
import { notHandedOut, requireOwnName, type TicketStore, wasHandedOut } from './handed-out.ts';
import { resultOfWorker } from './part-requests.ts';

// What a director does on the bus for workers whose keys give them no right to. Whose request it is, the bus has proved
// by its subject; a job's ticket shows that the worker was handed the job.

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

/** @throws AipgError `job-refused` for a job that the worker was not handed */
export async function claimFor(
  store: TicketStore,
  worker: WorkerId,
  asked: z.infer<typeof claimRequestSchema>,
): Promise<z.infer<typeof claimReplySchema>> {
  const { account, job, attempt } = asked;
  if (await wasHandedOut(store, asked)) return claimJob(store, account, job, attempt, worker);
  const result = await readResult(store, account, job);
  if (result === undefined) throw notHandedOut();
  return { outcome: 'ended', result };
}

/**
 * Writes a worker's result where nothing stands yet, or its own claim; never over another's.
 * @throws AipgError `job-refused` for a job that the worker was not handed, or a result in another worker's name
 */
export async function finishFor(
  store: TicketStore,
  worker: WorkerId,
  asked: z.infer<typeof finishRequestSchema>,
): Promise<z.infer<typeof finishReplySchema>> {
  const { account, job, expected, result } = asked;
  if (result.status === 'done') {
    const { outcome, receipt = { worker } } = result;
    for (const named of [outcome.worker, receipt.worker]) requireOwnName(worker, named);
  } else if (result.status === 'failed' && result.part) requireOwnName(worker, result.part.receipt.worker);
  const isHolder = await wasHandedOut(store, asked);
  // Most have nothing before them, which the bus itself checks.
  if (isHolder && expected === 0) {
    const own = await resultOfWorker(store, worker, asked, undefined);
    if (await writeResult(store, account, job, own, 0)) return { written: true };
  }
  const before = await readRecord(store, account, job);
  if (before.record !== undefined && before.record.status !== 'claimed') {
    return { written: false, result: before.record };
  }
  if (!isHolder) throw notHandedOut();
  const isOwn = before.record === undefined || before.record.worker === worker;
  if (!isOwn || before.sequence !== expected) return { written: false };
  const own = await resultOfWorker(store, worker, asked, before.record);
  return { written: await writeResult(store, account, job, own, expected) };
}

/** @throws AipgError `job-refused` for a heartbeat in another worker's name */
export async function beatFor(
  { connection }: RecordStore,
  worker: WorkerId,
  { heartbeat }: z.infer<typeof beatRequestSchema>,
): Promise<z.infer<typeof doneReplySchema>> {
  if (heartbeat !== null) requireOwnName(worker, heartbeat.worker);
  const bucket = await openWorkersBucket(connection);
  if (heartbeat === null) await bucket.purge(worker);
  else await bucket.put(worker, encode(heartbeat));
  return { done: true };
}
