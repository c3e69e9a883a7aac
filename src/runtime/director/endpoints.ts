import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import type { Service, ServiceMsg } from '@nats-io/services';
import { type NatsConnection, RequestError, TimeoutError } from '@nats-io/transport-node';
import type { z } from 'zod';
import { decodeLarge, encodeLarge } from '../bus/artifacts.ts';
import { decode, encode } from '../protocol/codec.ts';
import { envelopeSchema } from '../protocol/envelope.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import type { Account, WorkerId } from '../protocol/ids.ts';
import type { Asker } from '../protocol/key-limits.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import { isInbox } from '../protocol/permissions.ts';
import {
  type Box,
  type OperatorVerb,
  patterns,
  requestAccount,
  requestAsker,
  requestWorker,
  subjects,
  type Verb,
  type WorkerVerb,
} from '../protocol/subjects.ts';

/** The subjects that a director answers: each request is parsed once, answered with a reply or a refusal, and counted. */
export class Endpoints {
  readonly #connection: NatsConnection;
  readonly #service: Service;
  readonly #log: Log;
  #refused = 0;

  constructor(connection: NatsConnection, service: Service, log: Log) {
    this.#connection = connection;
    this.#service = service;
    this.#log = log;
  }

  /** Requests refused since the start, as malformed, impossible or not allowed. */
  get refused(): number {
    return this.#refused;
  }

  /** Answers an account: which one, the bus has proved by the subject. */
  ofAccount<T extends z.ZodType>(
    verb: Verb,
    schema: T,
    answer: (account: Account, request: z.infer<T>, asker: Asker) => Promise<unknown>,
  ): void {
    this.#answer(patterns.request(verb), schema, (subject, request) =>
      answer(known(requestAccount(subject), 'account'), request, known(requestAsker(subject), 'account')),
    );
  }

  /** Answers a worker: which one, the bus has proved by the subject. */
  ofWorker<T extends z.ZodType>(
    verb: WorkerVerb,
    schema: T,
    answer: (worker: WorkerId, request: z.infer<T>, asker: Asker) => Promise<unknown>,
  ): void {
    this.#answer(patterns.workerRequest(verb), schema, (subject, request) =>
      answer(known(requestWorker(subject), 'worker'), request, known(requestAsker(subject), 'worker')),
    );
  }

  /** Answers an operator: nobody else may ask there. */
  ofOperator<T extends z.ZodType>(
    verb: OperatorVerb,
    schema: T,
    answer: (request: z.infer<T>) => Promise<unknown>,
  ): void {
    this.#answer(subjects.operatorRequest(verb), schema, (_, request) => answer(request));
  }

  /** Does what a worker asks, and answers nothing. */
  noticeOfWorker<T extends z.ZodType>(
    verb: WorkerVerb,
    schema: T,
    act: (worker: WorkerId, request: z.infer<T>, asker: Asker, reply: string | undefined) => void,
  ): void {
    this.#listen(verb, patterns.workerRequest(verb), ({ subject, data, reply }) => {
      try {
        const request = decode(schema, data);
        if (!request.ok) throw new AipgError('job-refused', `The request is malformed: ${request.reason}.`);
        const [worker, asker] = [requestWorker(subject), requestAsker(subject)];
        act(known(worker, 'worker'), request.value, known(asker, 'worker'), reply);
      } catch (error) {
        this.#refused += 1;
        this.#log.warn({ verb, reason: toAipgError(error).message }, 'request refused');
      }
    });
  }

  #answer<T extends z.ZodType>(
    pattern: string,
    schema: T,
    answer: (subject: string, request: z.infer<T>) => Promise<unknown>,
  ): void {
    const verb = pattern.split('.').at(-1) ?? '';
    const handle = async (message: ServiceMsg): Promise<void> => {
      // An answer goes out with a director's rights: never to a subject that the asker may have chosen to be written to.
      if (!isInbox(message.reply)) {
        this.#refused += 1;
        this.#log.warn({ verb }, 'request refused whose reply is no inbox');
        return;
      }
      try {
        const request = await this.#read(schema, message);
        const reply = await answer(message.subject, request);
        message.respond(await encodeLarge(this.#connection, reply, boxOf('out', message.subject)));
      } catch (error) {
        this.#refused += 1;
        const failure = asFailure(error);
        const level = failure.code === 'internal' ? 'error' : 'warn';
        const from = message.subject.split('.')[2];
        this.#log[level]({ verb, from, code: failure.code, reason: failure.message }, 'request refused');
        message.respond(encode({ error: failure }));
      }
    };
    this.#listen(verb, pattern, (message) => void handle(message));
  }

  #listen(verb: string, pattern: string, handler: (message: ServiceMsg) => void): void {
    this.#service.addEndpoint(verb, {
      subject: pattern,
      handler: (error, message) => {
        if (error) this.#log.error({ verb, reason: error.message }, 'endpoint failed');
        else handler(message);
      },
    });
  }

  async #read<T extends z.ZodType>(schema: T, { subject, data }: ServiceMsg): Promise<z.infer<T>> {
    const request = await decodeLarge(this.#connection, schema, data, boxOf('in', subject));
    if (request.ok) return request.value;
    const envelope = decode(envelopeSchema, data);
    if (envelope.ok && envelope.value.protocol !== PROTOCOL_VERSION) {
      throw new AipgError(
        'protocol-mismatch',
        `This grid speaks protocol ${PROTOCOL_VERSION}; the request speaks ${envelope.value.protocol}.`,
        { hint: 'Use the same release of aipg as the grid.' },
      );
    }
    throw new AipgError('job-refused', `The request is malformed: ${request.reason}.`);
  }
}

/** Where large messages from and to who asks lie; operators, who may use the bus themselves, have no box. */
function boxOf(way: 'in' | 'out', subject: string): { box: Box; id: string } | undefined {
  const asker = requestAsker(subject);
  const area = subject.split('.')[1] === 'wrk' ? 'wrk' : 'req';
  return asker && { box: `${way}-${area}`, id: asker.id };
}

/** The library's errors of the bus have no common base; that of a cluster without a leader is known by its cause alone. */
const OF_BUS = [RequestError, TimeoutError, JetStreamError, JetStreamApiError];

/** What the bus did not do for a director may work the next time, unlike what the director itself refuses. */
function asFailure(error: unknown): AipgError {
  if (!(error instanceof Error)) return toAipgError(error);
  const isOfBus = OF_BUS.some((type) => error instanceof type || error.cause instanceof type);
  if (!isOfBus || error instanceof AipgError) return toAipgError(error);
  return new AipgError(
    'grid-unreachable',
    `The message bus does not serve its director (${error.message}).`,
    {
      hint: 'It may be electing a leader, or be short of disk: see the log of nats-server.',
      cause: error,
    },
  );
}

function known<T>(requester: T | undefined, what: string): T {
  if (requester !== undefined) return requester;
  throw new AipgError('job-refused', `The request names no valid ${what}.`);
}
