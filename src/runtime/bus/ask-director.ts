import type { NatsConnection } from '@nats-io/transport-node';
import type { z } from 'zod';
import { encode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { refusalIn } from '../protocol/refusal.ts';
import { subjects, type Verb } from '../protocol/subjects.ts';
import { decodeLarge } from './artifacts.ts';
import { askerFor } from './identity.ts';

/** How long a director may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Asks a director once, in an account's name, for what is asked again anyway; `undefined` when none answers.
 * @throws AipgError what the director refused with; `protocol-mismatch`
 */
export async function askDirector<T extends z.ZodType>(
  connection: NatsConnection,
  account: Account,
  verb: Verb,
  request: object,
  schema: T,
): Promise<z.infer<T> | undefined> {
  const subject = subjects.request(askerFor(connection, account), verb);
  const reply = await connection
    .request(subject, encode({ protocol: PROTOCOL_VERSION, ...request }), { timeout: ANSWER_MS })
    .catch(() => undefined);
  if (reply === undefined) return undefined;
  const refusal = refusalIn(reply.data);
  if (refusal) throw refusal;
  const answer = await decodeLarge(connection, schema, reply.data, { box: 'out-req', id: account });
  if (answer.ok) return answer.value;
  throw new AipgError('protocol-mismatch', `A director's answer ${answer.reason}.`, {
    hint: 'Use the same release of aipg as the grid.',
  });
}
