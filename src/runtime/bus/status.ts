import { type NatsConnection, RequestError } from '@nats-io/transport-node';
import { decode, encode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { type StatusReply, statusReplySchema } from '../protocol/status.ts';
import { subjects } from '../protocol/subjects.ts';
import { askerFor, requireRole } from './identity.ts';

/** How long a director may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Asks a director who works on the grid and how much there is to do; `undefined` when none answers.
 * @throws AipgError `not-permitted` for a key that may not ask, `protocol-mismatch`
 */
export async function askStatus(
  connection: NatsConnection,
  account: Account,
): Promise<StatusReply | undefined> {
  requireRole(connection, 'monitor', 'user', 'director', 'operator');
  const request = encode({ protocol: PROTOCOL_VERSION });
  const reply = await connection
    .request(subjects.request(askerFor(connection, account), 'status'), request, { timeout: ANSWER_MS })
    .catch((error: unknown) => {
      if (error instanceof RequestError && error.isNoResponders()) return undefined;
      throw error;
    });
  if (reply === undefined) return undefined;
  const status = decode(statusReplySchema, reply.data);
  if (status.ok) return status.value;
  throw new AipgError('protocol-mismatch', `A director's answer ${status.reason}.`, {
    hint: 'Use the same release of aipg as the grid.',
  });
}
