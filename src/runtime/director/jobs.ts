import { setTimeout as delay } from 'node:timers/promises';
import { decodeLarge } from '../bus/artifacts.ts';
import { readMessages } from '../bus/read-messages.ts';
import { type RecordStore, readResult } from '../bus/record.ts';
import { decode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, type JobId, jobIdSchema } from '../protocol/ids.ts';
import type { JobStatus, JobSummary, JobView, ProgressReply } from '../protocol/replies.ts';
import type {
  CancelRequest,
  CheckRequest,
  JobRequest,
  JobsRequest,
  ProgressRequest,
} from '../protocol/requests.ts';
import { finalEvent, recordSchema } from '../protocol/result.ts';
import { parseLease, STREAMS, subjects } from '../protocol/subjects.ts';
import type { Transcript } from '../protocol/transcript.ts';
import { type AcceptedRecord, acceptedRecordSchema, readAccepted } from './accepted.ts';
import { notHandedOut, type TicketStore, wasHandedOut } from './handed-out.ts';
import { endQueued, tellWorkers } from './job-ends.ts';
import { type JobHistory, readAttemptsBefore, readJob } from './job-reader.ts';
import type { OwnLane } from './own-lane.ts';
import { askThere, isThere } from './presence.ts';

/** How often, and after how many milliseconds each time, a job that is not known yet is looked for. */
const MAX_TRIES = 4;
const RETRY_MS = 100;

/** All that is known of a job of this account. @throws AipgError `job-not-found` */
export async function viewJob(
  store: RecordStore,
  account: Account,
  { job, withOutput }: JobRequest,
): Promise<JobView> {
  const history = await readJob(store, account, job);
  const accepted = history.result ? undefined : await findAccepted(store, account, job);
  if (!history.result && !accepted) throw notFound(account, job);
  const { attempts, waiting, result } = history;
  const model = history.model ?? accepted?.job.model;
  const acceptedAt = history.firstAt ?? accepted?.job.acceptedAt;
  return {
    job,
    status: statusOf(history),
    ...(model !== undefined && { model }),
    ...(acceptedAt !== undefined && { acceptedAt }),
    ...(history.endedAt !== undefined && { endedAt: history.endedAt }),
    attempts: [...attempts],
    ...(waiting && { place: waiting.place }),
    ...(waiting?.estimateMs !== undefined && { estimateMs: waiting.estimateMs }),
    ...(withOutput && (history.sealed ? { sealed: history.sealed } : { output: outputOf(history) })),
    ...(result && { final: finalEvent(result, attempts.at(-1)?.attempt ?? 0) }),
  };
}

/**
 * How far the attempts before a worker's own have come.
 * @throws AipgError `job-refused` for a job that the worker was not handed: it could drive others off it
 */
export async function viewProgress(store: TicketStore, asked: ProgressRequest): Promise<ProgressReply> {
  const { account, job, attempt } = asked;
  if (!(await wasHandedOut(store, asked))) throw notHandedOut();
  const { attempts, transcript } = await readAttemptsBefore(store, account, job, attempt);
  // The asker has claimed the job: whoever still works on it works for nothing.
  tellWorkers(store, attempts, { type: 'fence', job, attempt });
  return { attempts: [...attempts], output: whole(transcript) };
}

/** Unfinished jobs of an account, and those that ended since a time; the newest last. */
export async function listJobs(
  store: RecordStore,
  account: Account,
  { since, limit }: JobsRequest,
): Promise<JobSummary[]> {
  const { connection } = store;
  const jobs = new Map<JobId, JobSummary>();
  const mine = subjects.accepted(account, '*' as JobId);
  for await (const { data, at } of readMessages(connection, STREAMS.accepted, { subject: mine })) {
    const accepted = await decodeLarge(connection, acceptedRecordSchema, data);
    if (!accepted.ok) continue;
    const { id, model } = accepted.value.job;
    jobs.set(id, { job: id, status: 'waiting', model, acceptedAt: accepted.value.job.acceptedAt ?? at });
  }
  const ended = subjects.result(account, '*' as JobId);
  // Those that are unfinished by their acceptance may have ended before `since`, so their ends are looked for, too.
  const from = Math.min(since, ...[...jobs.values()].map(({ acceptedAt }) => acceptedAt ?? since));
  for await (const { subject, data, at } of readMessages(connection, STREAMS.results, {
    subject: ended,
    since: from,
  })) {
    const id = jobIdSchema.safeParse(subject.split('.').at(-1));
    const record = await readListed(store, data);
    if (!id.success) continue;
    const known = jobs.get(id.data);
    jobs.delete(id.data);
    if (!record.ok) jobs.set(id.data, { ...known, job: id.data, status: 'done', endedAt: at });
    else if (record.value.status === 'claimed') {
      if (known) jobs.set(id.data, { ...known, status: 'running' });
    } else if (at >= since) {
      const { status } = record.value;
      const model = record.value.status === 'done' ? record.value.outcome.model : known?.model;
      const reason =
        record.value.status === 'failed'
          ? record.value.error.message
          : record.value.status === 'cancelled'
            ? record.value.reason
            : undefined;
      jobs.set(id.data, {
        ...known,
        job: id.data,
        status,
        endedAt: at,
        ...(model !== undefined && { model }),
        ...(reason !== undefined && { reason }),
      });
    }
  }
  const when = ({ acceptedAt, endedAt }: JobSummary) => endedAt ?? acceptedAt ?? 0;
  return [...jobs.values()].sort((a, b) => when(a) - when(b)).slice(-limit);
}

/** Most records are small; those that are kept apart are read from there. */
async function readListed({ connection }: RecordStore, data: Uint8Array) {
  const record = decode(recordSchema, data);
  return record.ok ? record : await decodeLarge(connection, recordSchema, data);
}

/**
 * Ends a job of this account as cancelled, wherever it is; one that has ended stays as it is.
 * @returns whether this ended it
 * @throws AipgError `job-not-found`
 */
export async function cancelJob(
  store: RecordStore,
  account: Account,
  { job, reason }: CancelRequest,
): Promise<boolean> {
  const accepted = await findAccepted(store, account, job);
  if (accepted) return endQueued(store, accepted, { status: 'cancelled', reason });
  if (!(await readJob(store, account, job)).result) throw notFound(account, job);
  return false;
}

/**
 * Gives a job of this account back to the queue if its worker is gone: sooner than its lease runs out.
 * @throws AipgError `job-not-found`
 */
export async function checkWorker(
  store: RecordStore,
  account: Account,
  { job, worker, lease }: CheckRequest,
  own?: OwnLane,
): Promise<boolean> {
  const accepted = await readAccepted(store, account, job);
  if (!accepted) throw notFound(account, job);
  if (parseLease(lease)?.sequence !== accepted.sequence) return false;
  const subject = subjects.controlWorker(worker);
  // The lease of one that hangs runs out; of an own job that helps only if the account has another worker.
  const isAnswered = accepted.own
    ? (await askThere(store.connection, subject, new Uint8Array())) !== undefined
    : await isThere(store.connection, subject);
  if (isAnswered) return false;
  if (!(await own?.goOn(accepted, worker))) store.connection.publish(lease, '-NAK');
  return true;
}

/** A job whose first events are out may not be written down yet: it is looked for again for a moment. */
export async function findAccepted(
  store: RecordStore,
  account: Account,
  job: JobId,
): Promise<AcceptedRecord | undefined> {
  for (let tries = 1; ; tries++) {
    const accepted = await readAccepted(store, account, job);
    if (accepted || tries === MAX_TRIES || (await readResult(store, account, job))) return accepted;
    await delay(RETRY_MS);
  }
}

function statusOf({ result, attempts }: JobHistory): JobStatus {
  if (result) return result.status;
  const last = attempts.at(-1);
  return last === undefined || last.end !== undefined ? 'waiting' : 'running';
}

/** The record has all of it, the events only what came without a gap. */
function outputOf({ result, transcript }: JobHistory): NonNullable<JobView['output']> {
  return whole(result?.status === 'done' ? result : transcript);
}

function whole({ text, tokens }: Pick<Transcript, 'text' | 'tokens'>): NonNullable<JobView['output']> {
  return { tokenOffset: 0, textOffset: 0, text, tokens: [...tokens] };
}

function notFound(account: Account, job: JobId): AipgError {
  return new AipgError('job-not-found', `The grid knows no job ${job} of the account ${account}.`, {
    hint: 'Results are kept for 7 days. `aipg jobs` lists what there is.',
  });
}
