import type { NatsConnection } from '@nats-io/transport-node';
import { decodeLarge } from '../bus/artifacts.ts';
import { encode } from '../protocol/codec.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { Job } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { type ProgressReply, type ProgressRequest, progressReplySchema } from '../protocol/requests.ts';
import { subjects } from '../protocol/subjects.ts';

/** How long a director may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** Asks a director how far the attempts before this one have come. @throws Error when none answers, to be asked again */
export async function askProgress(
  connection: NatsConnection,
  worker: WorkerId,
  job: Job,
  attempt: number,
): Promise<ProgressReply> {
  const request: ProgressRequest = { protocol: PROTOCOL_VERSION, account: job.account, job: job.id, attempt };
  const reply = await connection.request(subjects.workerRequest(worker, 'progress'), encode(request), {
    timeout: ANSWER_MS,
  });
  const progress = await decodeLarge(connection, progressReplySchema, reply.data);
  if (progress.ok) return progress.value;
  throw new Error(`A director's answer ${progress.reason}.`);
}
