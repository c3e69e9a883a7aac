import type { NatsConnection } from '@nats-io/transport-node';
import { decodeLarge } from '../bus/artifacts.ts';
import { askerFor } from '../bus/identity.ts';
import type { Proof } from '../bus/lease.ts';
import { encode } from '../protocol/codec.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { Job } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { refusalIn } from '../protocol/refusal.ts';
import { type ProgressReply, progressReplySchema } from '../protocol/replies.ts';
import { subjects } from '../protocol/subjects.ts';

/**
 * How long a director may take to answer, in milliseconds, the first time and at most: one that hangs is soon not
 * waited for any more, and one that has much to read gets the time for it.
 */
const ANSWER_MS = { first: 1_000, most: 16_000 };

/**
 * Asks a director how far the attempts before this one have come.
 * @param proof that the job was handed to this worker
 * @param tries how often it was asked before
 * @throws AipgError what the director refused with; another Error when none answers, to be asked again
 */
export async function askProgress(
  connection: NatsConnection,
  worker: WorkerId,
  { account, id }: Job,
  { ticket, sequence }: Proof,
  attempt: number,
  tries: number,
): Promise<ProgressReply> {
  const request = { protocol: PROTOCOL_VERSION, account, job: id, ticket, sequence, attempt };
  const reply = await connection.request(
    subjects.workerRequest(askerFor(connection, worker), 'progress'),
    encode(request),
    {
      timeout: Math.min(ANSWER_MS.most, ANSWER_MS.first * 2 ** tries),
    },
  );
  const refusal = refusalIn(reply.data);
  // What the bus did not do for the director may work the next time.
  if (refusal?.code === 'grid-unreachable') throw new Error(refusal.message);
  if (refusal) throw refusal;
  const progress = await decodeLarge(connection, progressReplySchema, reply.data, {
    box: 'out-wrk',
    id: worker,
  });
  if (progress.ok) return progress.value;
  throw new Error(`A director's answer ${progress.reason}.`);
}
