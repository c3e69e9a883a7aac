import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { encode } from '../protocol/codec.ts';
import type { Account, JobId, WorkerId } from '../protocol/ids.ts';
import type { Part } from '../protocol/part.ts';
import { type Claim, type CutShort, isCutShort, type Result, recordSchema } from '../protocol/result.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';
import { decodeLarge, encodeLarge } from './artifacts.ts';
import { faultPoint } from './fault-point.ts';
import { isWrongSequence } from './wrong-sequence.ts';

/** A replica that answers a read may lag behind the leader that refused a write; this often it is asked again. */
const MAX_CONFLICTS = 20;

/** What the bus needs to be asked for records. */
export interface RecordStore {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** The record of a job as it stands, and its place in the stream, which a writer has to know. */
export interface StoredRecord {
  /** 0 when there is none. */
  readonly sequence: number;
  readonly record: Result | Claim | undefined;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

export async function readRecord(
  { connection, manager }: RecordStore,
  account: Account,
  job: JobId,
): Promise<StoredRecord> {
  const stored = await manager.direct.getMessage(STREAMS.results, {
    last_by_subj: subjects.result(account, job),
  });
  if (!stored) return { sequence: 0, record: undefined, writtenAt: 0 };
  const decoded = await decodeLarge(connection, recordSchema, stored.data);
  return {
    sequence: stored.seq,
    record: decoded.ok ? decoded.value : undefined,
    writtenAt: stored.time.getTime(),
  };
}

/** The final record of a job; `undefined` while it has none. */
export async function readResult(
  store: RecordStore,
  account: Account,
  job: JobId,
): Promise<Result | undefined> {
  const { record } = await readRecord(store, account, job);
  return record === undefined || record.status === 'claimed' ? undefined : record;
}

/**
 * Writes the final record of a job in place of the one at `expected`: 0 for none, else the writer's own claim.
 * False: another record stands there by now, so the writer was overtaken, or the job has ended.
 */
export async function writeResult(
  store: RecordStore,
  account: Account,
  job: JobId,
  result: Result,
  expected: number,
): Promise<boolean> {
  const payload = await encodeLarge(store.connection, result, { account, job });
  return (await write(store.jetstream, account, job, payload, expected)) !== undefined;
}

export type ClaimOutcome =
  /** The claim stands; its sequence is what {@link writeResult} expects. */
  | { readonly outcome: 'claimed'; readonly sequence: number }
  /** A newer attempt stands there. */
  | { readonly outcome: 'overtaken' }
  | { readonly outcome: 'ended'; readonly result: Result };

/** Claims a job for an attempt, so that no older one can end it any more. */
export async function claimJob(
  store: RecordStore,
  account: Account,
  job: JobId,
  attempt: number,
  worker: WorkerId,
): Promise<ClaimOutcome> {
  const claim: Claim = { status: 'claimed', attempt, worker };
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const { record, sequence } = await readRecord(store, account, job);
    if (record !== undefined && record.status !== 'claimed') return { outcome: 'ended', result: record };
    if (record !== undefined && record.attempt > attempt) return { outcome: 'overtaken' };
    const written = await write(store.jetstream, account, job, encode(claim), sequence);
    if (written !== undefined) return { outcome: 'claimed', sequence: written };
  }
  throw new Error(`The record of job ${job} changed ${MAX_CONFLICTS} times while it was claimed.`);
}

/** Ends a job over the head of whoever works on it, unless it has ended. True when this record is the one. */
export async function endJob(
  store: RecordStore,
  account: Account,
  job: JobId,
  result: Result,
): Promise<boolean> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const { record, sequence } = await readRecord(store, account, job);
    if (record !== undefined && record.status !== 'claimed') return false;
    const ended = record === undefined || result.status === 'done' ? result : { ...result, claim: record };
    if (await writeResult(store, account, job, ended, sequence)) return true;
  }
  throw new Error(`The record of job ${job} changed ${MAX_CONFLICTS} times while it was ended.`);
}

/**
 * Puts what its worker has streamed with the record of a job that was cut short, once.
 * @param isHolder whether the worker of the part is whose work there is to be paid for
 * @returns whether this did it; not, where the job has not ended so, or has a part already
 */
export async function addPart(
  store: RecordStore,
  account: Account,
  job: JobId,
  part: Part,
  isHolder: (ended: CutShort) => Promise<boolean>,
): Promise<boolean> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const { record, sequence, writtenAt } = await readRecord(store, account, job);
    if (record === undefined || record.status === 'claimed') return false;
    if (!isCutShort(record) || record.part !== undefined) return false;
    if (!(await isHolder(record))) return false;
    const endedAt = Math.round(writtenAt);
    faultPoint('before-part');
    if (await writeResult(store, account, job, { ...record, endedAt, part }, sequence)) {
      faultPoint('after-part');
      return true;
    }
  }
  throw new Error(`The record of job ${job} changed ${MAX_CONFLICTS} times while its part was added.`);
}

async function write(
  jetstream: JetStreamClient,
  account: Account,
  job: JobId,
  payload: Uint8Array,
  expected: number,
): Promise<number | undefined> {
  try {
    const { seq } = await jetstream.publish(subjects.result(account, job), payload, {
      expect: { lastSubjectSequence: expected },
    });
    return seq;
  } catch (error) {
    if (isWrongSequence(error)) return undefined;
    throw error;
  }
}
