import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { decode, encode } from '../protocol/codec.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { LIMITS } from '../protocol/limits.ts';
import { type Result, resultSchema } from '../protocol/result.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';

/** JetStream's error code for a message whose expected last sequence is not the last. */
const WRONG_LAST_SEQUENCE = 10071;

/**
 * Writes the final record of a job, unless it has one: whoever comes first, worker or canceller, decides how the job
 * ended. True when this record is the one.
 */
export async function finishJob(
  jetstream: JetStreamClient,
  account: Account,
  job: JobId,
  result: Result,
): Promise<boolean> {
  try {
    await jetstream.publish(subjects.result(account, job), encode(result, LIMITS.resultBytes), {
      expect: { lastSubjectSequence: 0 },
    });
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE) return false;
    throw error;
  }
}

/** The final record of a job; `undefined` while it has none. */
export async function readResult(
  manager: JetStreamManager,
  account: Account,
  job: JobId,
): Promise<Result | undefined> {
  const record = await manager.direct.getMessage(STREAMS.results, {
    last_by_subj: subjects.result(account, job),
  });
  const result = record && decode(resultSchema, record.data, LIMITS.resultBytes);
  return result?.ok ? result.value : undefined;
}
