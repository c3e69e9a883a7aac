import { decodeLarge, encodeLarge } from '../bus/artifacts.ts';
import type { RecordStore } from '../bus/record.ts';
import type { ControlJob } from '../protocol/control.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import { handOverReplySchema } from '../protocol/replies.ts';
import type { HandOverRequest } from '../protocol/requests.ts';
import { subjects } from '../protocol/subjects.ts';
import { findAccepted } from './jobs.ts';
import { askThere } from './presence.ts';

/**
 * Passes the content of a sealed job of this account on to the worker that has leased it; only that worker can open it.
 * @returns whether the worker has taken it
 * @throws AipgError `job-not-found`
 */
export async function handOver(
  store: RecordStore,
  account: Account,
  { job, worker, attempt, content }: HandOverRequest,
): Promise<boolean> {
  if (!(await findAccepted(store, account, job))) {
    throw new AipgError('job-not-found', `The account has no unfinished job ${job}.`);
  }
  const { connection } = store;
  const message: ControlJob = { type: 'content', job, attempt, content };
  const reply = await askThere(
    connection,
    subjects.controlWorker(worker),
    await encodeLarge(connection, message),
  );
  const answer = reply && (await decodeLarge(connection, handOverReplySchema, reply));
  return answer?.ok === true && answer.value.taken;
}
