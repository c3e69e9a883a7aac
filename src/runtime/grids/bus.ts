import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { z } from 'zod';
import { decode, encode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { isFinal, type JobEvent, jobEventSchema } from '../protocol/events.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import {
  cancelReplySchema,
  refusalSchema,
  type SubmitReply,
  submitReplySchema,
} from '../protocol/requests.ts';
import type { Result } from '../protocol/result.ts';
import { subjects, type Verb } from '../protocol/subjects.ts';
import { Transcript } from '../protocol/transcript.ts';
import type { Grid, JobHandle } from './grid.ts';
import { watchReach } from './reach.ts';
import { resultOf } from './result-of.ts';

/** How long a director may take to answer, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

export interface BusGridOptions {
  /** The grid's name in the user's profiles, or its address. */
  readonly name: string;
  /** Becomes the grid's to close. */
  readonly connection: NatsConnection;
  readonly account: Account;
}

/** A grid behind a message bus: directors admit the jobs, workers run them. */
export function createBusGrid({ name, connection, account }: BusGridOptions): Grid {
  const ended = async (job: JobId) => (await import('./ended-job.ts')).endedJob(connection, account, job);
  return {
    name,
    ended,
    watchReach: (onChange) => watchReach(connection, onChange),
    capacity: async () => (await import('./capacity.ts')).busCapacity(connection),
    submit: async (job, signal, { again = false } = {}) => {
      signal?.throwIfAborted();
      const before = again ? await ended(job.id) : undefined;
      if (before) return before;
      // Before the request, so that no event can be missed.
      const subscription = connection.subscribe(subjects.event(account, job.id));
      try {
        const request = { protocol: PROTOCOL_VERSION, job };
        const accepted = await ask(connection, name, account, 'submit', request, submitReplySchema);
        // It may have ended just before the subscription: nobody would tell of it again.
        const meanwhile = again ? await ended(job.id) : undefined;
        if (meanwhile) subscription.unsubscribe();
        if (meanwhile) return meanwhile;
        return new BusJob(name, connection, account, accepted, subscription);
      } catch (error) {
        subscription.unsubscribe();
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

class BusJob implements JobHandle {
  readonly id: JobId;
  readonly #grid: string;
  readonly #connection: NatsConnection;
  readonly #account: Account;
  readonly #accepted: SubmitReply;
  readonly #subscription: Subscription;

  constructor(
    grid: string,
    connection: NatsConnection,
    account: Account,
    accepted: SubmitReply,
    subscription: Subscription,
  ) {
    this.id = accepted.job;
    this.#grid = grid;
    this.#connection = connection;
    this.#account = account;
    this.#accepted = accepted;
    this.#subscription = subscription;
  }

  async *events(): AsyncGenerator<JobEvent> {
    const transcript = new Transcript();
    try {
      for await (const message of this.#subscription) {
        const event = decode(jobEventSchema, message.data);
        if (!event.ok) continue;
        if (event.value.type === 'chunk') {
          const tokenOffset = transcript.tokens.length;
          const textOffset = transcript.text.length;
          const text = transcript.add(event.value);
          const tokens = transcript.tokens.slice(tokenOffset);
          if (text || tokens.length > 0)
            yield { ...event.value, tokenOffset, textOffset, text: text ?? '', tokens };
          continue;
        }
        // Whichever attempt ended the job ended it, be it an older one; of what went before, only the newest counts.
        if (!isFinal(event.value) && 'attempt' in event.value && !transcript.observe(event.value.attempt)) {
          continue;
        }
        if (event.value.type === 'done' && event.value.outcome.textLength > transcript.text.length) {
          // A piece was lost on the way, as in a reconnect; the final record has it all.
          const missing = await this.#missing(transcript, event.value.attempt);
          if (missing) yield missing;
        }
        yield event.value;
        if (isFinal(event.value)) return;
      }
    } finally {
      this.#subscription.unsubscribe();
    }
    throw new AipgError(
      'grid-unreachable',
      `The connection to ${this.#grid} closed before job ${this.id} ended.`,
    );
  }

  async cancel(reason: string): Promise<void> {
    await ask(
      this.#connection,
      this.#grid,
      this.#account,
      'cancel',
      { protocol: PROTOCOL_VERSION, job: this.id, queueSequence: this.#accepted.queueSequence, reason },
      cancelReplySchema,
    );
  }

  result(): Promise<Result> {
    return resultOf(this.events());
  }

  async #missing(transcript: Transcript, attempt: number): Promise<JobEvent | undefined> {
    const [{ jetstreamManager }, { readResult }] = await Promise.all([
      import('@nats-io/jetstream'),
      import('../bus/finish.ts'),
    ]);
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const result = await readResult(manager, this.#account, this.id);
    if (result?.status !== 'done') return undefined;
    const tokenOffset = transcript.tokens.length;
    const textOffset = transcript.text.length;
    const text = result.text.slice(textOffset);
    return {
      type: 'chunk',
      attempt,
      tokenOffset,
      textOffset,
      text,
      tokens: result.tokens.slice(tokenOffset),
    };
  }
}

async function ask<T extends z.ZodType>(
  connection: NatsConnection,
  grid: string,
  account: Account,
  verb: Verb,
  request: unknown,
  schema: T,
): Promise<z.infer<T>> {
  const payload = encode(request);
  let data: Uint8Array;
  try {
    ({ data } = await connection.request(subjects.request(account, verb), payload, {
      timeout: REQUEST_TIMEOUT_MS,
    }));
  } catch (cause) {
    throw new AipgError('grid-unreachable', `No director answers on ${grid}.`, {
      hint: 'Start one with `aipg director` or `aipg up`, or answer on this machine with --grid local.',
      cause,
    });
  }
  const reply = decode(schema, data);
  if (reply.ok) return reply.value;
  const refusal = decode(refusalSchema, data);
  if (refusal.ok) {
    const { code, message, hint } = refusal.value.error;
    throw new AipgError(code, message, hint === undefined ? {} : { hint });
  }
  throw new AipgError(
    'protocol-mismatch',
    `The director of ${grid} sent a malformed reply (${reply.reason}).`,
    {
      hint: 'Use the same release of aipg as the grid.',
    },
  );
}
