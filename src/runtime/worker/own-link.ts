import { errors, type NatsConnection } from '@nats-io/transport-node';
import { askerFor, memberOf } from '../bus/identity.ts';
import type { OwnQueue } from '../bus/provision.ts';
import { decode, encode } from '../protocol/codec.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { ModelName } from '../protocol/model.ts';
import { type OwnVerb, ownSubjects } from '../protocol/own-lane.ts';
import type { Heartbeat } from '../protocol/worker.ts';
import { type OwnNextRequest, type OwnState, ownProvisionReplySchema } from '../protocol/worker-requests.ts';

/** How long a director may take to answer, in milliseconds, and how often one is asked that does not. */
const ANSWER_MS = 2_000;
const MAX_TRIES = 3;
/** The same is not said again so soon, in milliseconds: heartbeats come with every change of the slots, too. */
const AGAIN_MS = 2_000;

/**
 * By what a worker serves the account that it belongs to before others. Its key proves to the bus whose it is; one that
 * was made before there was this right works for everybody alike.
 */
export class OwnLink {
  readonly #connection: NatsConnection;
  readonly #subject: (verb: OwnVerb) => string;
  #isGranted = false;
  #told: { readonly state: OwnState['state']; readonly at: number } | undefined;
  #models: readonly ModelName[] = [];

  constructor(connection: NatsConnection, id: WorkerId) {
    const account = memberOf(connection)?.account;
    if (account === undefined) throw new Error('A worker without a key has no account.');
    const asker = askerFor(connection, id);
    this.#connection = connection;
    this.#subject = (verb) => ownSubjects.request(account, asker, verb);
  }

  /** Makes sure of the account's own queues; none where the worker may not ask for them, or nobody knows of them. */
  async queues(model: ModelName): Promise<readonly OwnQueue[]> {
    const request = this.#encode({ kind: 'text', model });
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        const { data } = await this.#connection.request(this.#subject('provision'), request, {
          timeout: ANSWER_MS,
        });
        const reply = decode(ownProvisionReplySchema, data);
        this.#isGranted = reply.ok;
        return reply.ok ? reply.value.queues : [];
      } catch (error) {
        if (error instanceof errors.PermissionViolationError || this.#connection.isClosed()) break;
      }
    }
    return [];
  }

  /** The job goes to the reply subject. */
  requestNext(request: Omit<OwnNextRequest, 'protocol'>, reply: string): void {
    this.#connection.publish(this.#subject('next'), this.#encode(request), { reply });
  }

  /** Tells directors whether jobs of the account are to wait here. @param heartbeat null: the worker takes its leave */
  tell(heartbeat: Heartbeat | null): void {
    if (!this.#isGranted || this.#connection.isClosed()) return;
    if (heartbeat) this.#models = heartbeat.models.map(({ name }) => name);
    const state = heartbeat?.state ?? 'left';
    const at = performance.now();
    if (this.#told?.state === state && at - this.#told.at < AGAIN_MS) return;
    this.#told = { state, at };
    this.#connection.publish(this.#subject('state'), this.#encode({ models: this.#models, state }));
  }

  /** After a break: what was said into it may be lost. */
  forgetTold(): void {
    this.#told = undefined;
  }

  #encode(request: object): Uint8Array {
    return encode({ protocol: PROTOCOL_VERSION, ...request });
  }
}
