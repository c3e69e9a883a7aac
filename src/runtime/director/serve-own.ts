import type { Msg, Subscription } from '@nats-io/transport-node';
import type { z } from 'zod';
import { directAccess } from '../bus/job-queue.ts';
import { provisionOwnQueues } from '../bus/provision.ts';
import { decode, encode } from '../protocol/codec.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import { mayUse } from '../protocol/key-limits.ts';
import type { Log } from '../protocol/log.ts';
import { type OwnVerb, ownAsker, ownConsumerName, ownSubjects } from '../protocol/own-lane.ts';
import { isInbox } from '../protocol/permissions.ts';
import { ownNextRequestSchema, ownStateSchema, provisionRequestSchema } from '../protocol/worker-requests.ts';
import type { OwnLane } from './own-lane.ts';
import { mayServe } from './policy/served-under.ts';
import { checkModels } from './serve-workers.ts';
import type { Admission } from './submit.ts';

type OwnAsker = NonNullable<ReturnType<typeof ownAsker>>;

/**
 * What workers ask for the jobs of their own account. Which worker and which account, the bus has proved by the subject.
 *
 * Not endpoints of the service that answers the rest: that ends as a whole where the bus refuses one of its subjects,
 * as it does to a director whose key is older than this right.
 * @returns what ends it
 */
export function serveOwn(
  { store, policy, roster }: Pick<Admission, 'store' | 'policy' | 'roster'>,
  own: OwnLane,
  log: Log,
): Disposable {
  const { connection, manager } = store;
  const subscriptions: Subscription[] = [];
  const listen = <T extends z.ZodType>(
    verb: OwnVerb,
    schema: T,
    queue: string | undefined,
    act: (from: OwnAsker, request: z.infer<T>, message: Msg) => void | Promise<void>,
  ): void => {
    const refuse = (error: unknown) =>
      log.warn({ verb, reason: toAipgError(error).message }, 'request refused');
    const subscription = connection.subscribe(ownSubjects.requests(verb), {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => {
        if (error) return log.warn({ verb, reason: error.message }, 'no jobs are kept for own workers');
        void (async () => {
          const from = ownAsker(message.subject);
          const request = decode(schema, message.data);
          if (!from || !request.ok) throw new AipgError('job-refused', 'The request is malformed.');
          await act(from, request.value, message);
        })().catch(refuse);
      },
    });
    subscriptions.push(subscription);
  };

  listen('state', ownStateSchema, undefined, ({ account, worker, asker }, { models, state }) => {
    own.workers.hear(account, worker, {
      models: models.filter((model) => mayUse(asker.limits, model)),
      state,
    });
  });
  listen('provision', provisionRequestSchema, 'directors', async ({ account, asker }, asked, message) => {
    if (!isInbox(message.reply)) return;
    checkModels(asker.limits, [asked.model]);
    const queues = await provisionOwnQueues(manager, asked.kind, asked.model, account);
    message.respond(encode({ queues }));
  });
  const access = directAccess(connection);
  listen('next', ownNextRequestSchema, 'directors', ({ account, worker, asker }, asked, { reply }) => {
    const { kind, tier, model, expiresMs } = asked;
    checkModels(asker.limits, [model]);
    if (!isInbox(reply) || !mayServe(policy, roster, worker, model)) return;
    const consumer = ownConsumerName(kind, tier, model, account);
    access.requestNext({ tier, lane: 'own', consumer }, expiresMs, reply);
  });
  return {
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}
