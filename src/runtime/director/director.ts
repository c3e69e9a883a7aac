import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import { type Service, type ServiceMsg, Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import type { z } from 'zod';
import { finishJob } from '../bus/finish.ts';
import { provision } from '../bus/provision.ts';
import { Roster } from '../bus/roster.ts';
import { decode, encode } from '../protocol/codec.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import type { JobEvent } from '../protocol/events.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { type Job, jobSchema } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import type { ModelName } from '../protocol/model.ts';
import {
  type CancelReply,
  type CancelRequest,
  type ControlJob,
  cancelRequestSchema,
  envelopeSchema,
  type SubmitReply,
  type SubmitRequest,
  submitRequestSchema,
} from '../protocol/requests.ts';
import { patterns, requestAccount, STREAMS, subjects, type Verb } from '../protocol/subjects.ts';
import { chooseModel } from './choose-model.ts';

export interface DirectorOptions {
  readonly connection: NatsConnection;
  readonly version: string;
  readonly log: Log;
  readonly now?: () => number;
}

/** Admits jobs. Keeps no state of its own, so any number of directors run side by side on one bus. */
export class Director implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #roster: Roster;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #counts = { accepted: 0, refused: 0, cancelled: 0 };
  #service: Service | undefined;

  private constructor(options: DirectorOptions, manager: JetStreamManager, roster: Roster) {
    this.#connection = options.connection;
    this.#jetstream = jetstream(options.connection);
    this.#manager = manager;
    this.#roster = roster;
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
  }

  /** Resolves when it answers requests. The connection stays the caller's. */
  static async start(options: DirectorOptions): Promise<Director> {
    const manager = await provision(options.connection);
    const roster = await Roster.open(options.connection, {
      onMalformed: (worker, reason) => options.log.warn({ worker, reason }, 'malformed heartbeat ignored'),
    });
    const director = new Director(options, manager, roster);
    await director.#serve(options.version);
    return director;
  }

  /** Requests since the start: jobs accepted, requests refused as malformed or impossible, jobs cancelled. */
  get counts(): Readonly<{ accepted: number; refused: number; cancelled: number }> {
    return this.#counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.stop();
    await this.#roster[Symbol.asyncDispose]();
  }

  async #serve(version: string): Promise<void> {
    this.#service = await new Svcm(this.#connection).add({
      name: 'aipg-director',
      version,
      description: 'Admits jobs to the grid',
      queue: 'directors',
      metadata: { protocol: String(PROTOCOL_VERSION) },
    });
    this.#endpoint('submit', submitRequestSchema, (account, request) => this.#submit(account, request));
    this.#endpoint('cancel', cancelRequestSchema, (account, request) => this.#cancel(account, request));
    await this.#connection.flush();
  }

  #endpoint<T extends z.ZodType>(
    verb: Verb,
    schema: T,
    answer: (account: Account, request: z.infer<T>) => Promise<unknown>,
  ): void {
    const handle = async (message: ServiceMsg): Promise<void> => {
      try {
        const account = requestAccount(message.subject);
        if (account === undefined) throw new AipgError('job-refused', 'The request names no valid account.');
        message.respond(encode(await answer(account, this.#read(schema, message.data))));
      } catch (error) {
        this.#counts.refused += 1;
        const failure = toAipgError(error);
        const level = failure.code === 'internal' ? 'error' : 'warn';
        this.#log[level]({ verb, code: failure.code, reason: failure.message }, 'request refused');
        message.respond(encode({ error: failure }));
      }
    };
    this.#service?.addEndpoint(verb, {
      subject: patterns.request(verb),
      handler: (error, message) => {
        if (error) this.#log.error({ verb, reason: error.message }, 'endpoint failed');
        else void handle(message);
      },
    });
  }

  #read<T extends z.ZodType>(schema: T, data: Uint8Array): z.infer<T> {
    const request = decode(schema, data);
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

  async #submit(account: Account, { job: spec }: SubmitRequest): Promise<SubmitReply> {
    const model = await this.#chooseModel(spec.model);
    const job: Job = { ...spec, model, account, protocol: PROTOCOL_VERSION, acceptedAt: this.#now() };
    const queued = this.#jetstream.publish(subjects.job(job.kind, job.tier, model), encode(job), {
      msgID: job.id,
    });
    // Sent right behind the job on the same connection, so that it comes before anything that a worker says.
    this.#announce(account, job.id, { type: 'accepted', model });
    const { seq: queueSequence } = await queued;
    this.#counts.accepted += 1;
    this.#log.info({ job: job.id, account, model }, 'job accepted');
    return { job: job.id, model, queueSequence };
  }

  async #chooseModel(asked: ModelName | undefined): Promise<ModelName> {
    try {
      return chooseModel(asked, this.#roster.models());
    } catch {
      // A worker that came this moment may be on the bus and not yet told of.
      await this.#roster.refresh();
      return chooseModel(asked, this.#roster.models());
    }
  }

  async #cancel(account: Account, { job, queueSequence, reason }: CancelRequest): Promise<CancelReply> {
    const queued = await this.#manager.streams
      .getMessage(STREAMS.jobs, { seq: queueSequence })
      .catch(() => undefined);
    const decoded = queued && decode(jobSchema, queued.data);
    const owned = decoded?.ok && decoded.value.id === job && decoded.value.account === account;
    if (await finishJob(this.#jetstream, account, job, { status: 'cancelled', reason })) {
      this.#counts.cancelled += 1;
      this.#announce(account, job, { type: 'cancelled', reason });
      this.#log.info({ job, account }, 'job cancelled');
    }
    if (owned) {
      const control: ControlJob = { type: 'cancel', reason };
      this.#connection.publish(subjects.controlJob(job), encode(control));
      await this.#manager.streams.deleteMessage(STREAMS.jobs, queueSequence).catch(() => undefined);
    }
    return { job };
  }

  #announce(account: Account, job: JobId, event: JobEvent): void {
    this.#connection.publish(subjects.event(account, job), encode(event));
  }
}
