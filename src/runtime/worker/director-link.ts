import type { z } from 'zod';
import { decodeLarge, encodeLarge } from '../bus/artifacts.ts';
import { askerFor } from '../bus/identity.ts';
import { encode } from '../protocol/codec.ts';
import { LIMITS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { refusalIn } from '../protocol/refusal.ts';
import { subjects, type WorkerVerb } from '../protocol/subjects.ts';
import {
  claimReplySchema,
  doneReplySchema,
  finishReplySchema,
  partReplySchema,
  provisionReplySchema,
} from '../protocol/worker-requests.ts';
import type { LinkOptions, WorkerLink } from './link.ts';
import { OwnLink } from './own-link.ts';

/** How long a director may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** The link of a worker whose key gives it no right to JetStream. */
export function directorLink({ connection, id }: LinkOptions): WorkerLink {
  const own = new OwnLink(connection, id);
  const asker = askerFor(connection, id);
  const payload = (request: object) =>
    encode({ protocol: PROTOCOL_VERSION, ...request }, LIMITS.messageBytes);
  const ask = async <T extends z.ZodType>(
    verb: WorkerVerb,
    request: object,
    schema: T,
  ): Promise<z.infer<T>> => {
    const message = { protocol: PROTOCOL_VERSION, ...request };
    const large = await encodeLarge(connection, message, { box: 'in-wrk', id });
    const { data } = await connection.request(subjects.workerRequest(asker, verb), large, {
      timeout: ANSWER_MS,
    });
    const refusal = refusalIn(data);
    // What the bus did not do for the director may work the next time.
    if (refusal?.code === 'grid-unreachable') throw new Error(refusal.message);
    if (refusal) throw refusal;
    const reply = await decodeLarge(connection, schema, data, { box: 'out-wrk', id });
    if (reply.ok) return reply.value;
    throw new Error(`A director's answer ${reply.reason}.`);
  };
  return {
    queues: async (model) => {
      const { queues } = await ask('provision', { kind: 'text', model }, provisionReplySchema);
      return [...queues, ...(await own.queues(model))];
    },
    access: (model) => ({
      requestNext: ({ tier, lane }, expiresMs, reply) =>
        lane === 'own'
          ? own.requestNext({ kind: 'text', tier, model, expiresMs }, reply)
          : connection.publish(
              subjects.workerRequest(asker, 'next'),
              payload({ kind: 'text', tier, lane, model, expiresMs }),
              { reply },
            ),
      say: (lease, word) =>
        connection.publish(subjects.workerRequest(asker, 'lease'), payload({ lease, word })),
    }),
    beat: async (heartbeat) => {
      own.tell(heartbeat);
      await ask('beat', { heartbeat }, doneReplySchema);
    },
    leave: async () => {
      own.tell(null);
      await ask('beat', { heartbeat: null }, doneReplySchema);
    },
    renew: async () => own.forgetTold(),
    claim: (account, job, attempt, { ticket, sequence }) =>
      ask('claim', { account, job, ticket, sequence, attempt }, claimReplySchema),
    finish: (account, job, result, expected, { ticket, sequence }) =>
      ask('finish', { account, job, ticket, sequence, result, expected }, finishReplySchema),
    part: async (account, job, part, { ticket, sequence }) =>
      (await ask('part', { account, job, ticket, sequence, part }, partReplySchema)).written,
  };
}
