import { JetStreamApiError, JetStreamError, jetstream } from '@nats-io/jetstream';
import { type Service, type ServiceMsg, Svcm } from '@nats-io/services';
import { type NatsConnection, RequestError, TimeoutError } from '@nats-io/transport-node';
import type { z } from 'zod';
import { decodeLarge, encodeLarge } from '../bus/artifacts.ts';
import { listDirectors } from '../bus/directors.ts';
import { requireRole } from '../bus/identity.ts';
import { type ProvisionOptions, provision } from '../bus/provision.ts';
import { type RecordStore, readResult } from '../bus/record.ts';
import { Roster } from '../bus/roster.ts';
import { decode, encode } from '../protocol/codec.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import { isInbox } from '../protocol/permissions.ts';
import {
  cancelRequestSchema,
  checkRequestSchema,
  envelopeSchema,
  jobRequestSchema,
  jobsRequestSchema,
  progressRequestSchema,
  resultRequestSchema,
  type StatusReply,
  statusRequestSchema,
  submitRequestSchema,
} from '../protocol/requests.ts';
import { patterns, requestAccount, requestWorker, STREAMS } from '../protocol/subjects.ts';
import {
  beatRequestSchema,
  claimRequestSchema,
  finishRequestSchema,
  leaseRequestSchema,
  nextRequestSchema,
  provisionRequestSchema,
} from '../protocol/worker-requests.ts';
import { cancelJob, checkWorker, listJobs, viewJob, viewProgress } from './jobs.ts';
import { Reaper, type ReaperTimes } from './reaper.ts';
import { submitJob } from './submit.ts';
import { type QueueBounds, Unfinished } from './unfinished.ts';
import { WaitingJobs } from './waiting.ts';
import {
  beatFor,
  claimFor,
  finishFor,
  provisionFor,
  requestNextFor,
  sayOfLeaseFor,
} from './worker-requests.ts';

export interface DirectorOptions {
  readonly connection: NatsConnection;
  readonly version: string;
  readonly log: Log;
  readonly replicas?: ProvisionOptions['replicas'];
  readonly bounds?: QueueBounds | undefined;
  readonly reaperTimes?: ReaperTimes | undefined;
  readonly now?: () => number;
}

/**
 * Admits jobs and looks after them. Whatever it keeps in memory can be lost: any number of directors run side by side
 * on one bus, and a new one goes on where another ended.
 */
export class Director implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #store: RecordStore;
  readonly #roster: Roster;
  readonly #unfinished: Unfinished;
  readonly #waiting: WaitingJobs;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #counts = { accepted: 0, refused: 0, cancelled: 0 };
  #service: Service | undefined;
  #reaper: Reaper | undefined;

  private constructor(options: DirectorOptions, store: RecordStore, roster: Roster) {
    this.#connection = options.connection;
    this.#store = store;
    this.#roster = roster;
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
    this.#unfinished = new Unfinished(store.manager, options.bounds);
    this.#waiting = new WaitingJobs(options.connection, store.manager, roster, this.#now);
  }

  /** Resolves when it answers requests. The connection stays the caller's. @throws AipgError `not-permitted`, `protocol-mismatch` */
  static async start(options: DirectorOptions): Promise<Director> {
    const { connection, log, replicas } = options;
    requireRole(connection, 'director', 'operator');
    const manager = await provision(connection, { replicas });
    const roster = await Roster.open(connection, {
      onMalformed: (worker, reason) => log.warn({ worker, reason }, 'malformed heartbeat ignored'),
    });
    const store: RecordStore = { connection, manager, jetstream: jetstream(connection) };
    const director = new Director(options, store, roster);
    director.#reaper = await Reaper.start({ store, log, times: options.reaperTimes, now: director.#now });
    await director.#serve(options.version);
    return director;
  }

  /** Since the start: jobs accepted, requests refused as malformed or impossible, jobs cancelled. */
  get counts(): Readonly<{ accepted: number; refused: number; cancelled: number }> {
    return this.#counts;
  }

  /** What was done for accepted jobs that nobody else looked after. */
  get reaped(): Readonly<{ requeued: number; expired: number; abandoned: number }> {
    return this.#reaper?.counts ?? { requeued: 0, expired: 0, abandoned: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.stop();
    await this.#reaper?.[Symbol.asyncDispose]();
    this.#waiting[Symbol.dispose]();
    await this.#roster[Symbol.asyncDispose]();
  }

  async #serve(version: string): Promise<void> {
    this.#service = await new Svcm(this.#connection).add({
      name: 'aipg-director',
      version,
      description: 'Admits jobs to the grid and looks after them',
      queue: 'directors',
      metadata: { protocol: String(PROTOCOL_VERSION) },
    });
    const store = this.#store;
    const account = (subject: string) => known(requestAccount(subject), 'account');
    const worker = (subject: string) => known(requestWorker(subject), 'worker');
    const { request, workerRequest } = patterns;

    this.#endpoint(request('submit'), submitRequestSchema, async (subject, submitted) => {
      const admission = {
        store,
        roster: this.#roster,
        unfinished: this.#unfinished,
        waiting: this.#waiting,
        now: this.#now,
      };
      const job = await submitJob(admission, account(subject), submitted);
      this.#counts.accepted += 1;
      this.#log.info({ job: job.id, account: job.account, model: job.model, tier: job.tier }, 'job accepted');
      return { job: job.id, model: job.model };
    });
    this.#endpoint(request('cancel'), cancelRequestSchema, async (subject, cancel) => {
      const cancelled = await cancelJob(store, account(subject), cancel);
      if (cancelled) {
        this.#counts.cancelled += 1;
        this.#log.info({ job: cancel.job, account: account(subject) }, 'job cancelled');
      }
      return { job: cancel.job, cancelled };
    });
    this.#endpoint(request('check'), checkRequestSchema, async (subject, check) => ({
      job: check.job,
      givenBack: await checkWorker(store, account(subject), check),
    }));
    this.#endpoint(request('job'), jobRequestSchema, (subject, asked) =>
      viewJob(store, account(subject), asked),
    );
    this.#endpoint(request('jobs'), jobsRequestSchema, async (subject, asked) => ({
      jobs: await listJobs(store, account(subject), asked),
    }));
    this.#endpoint(request('result'), resultRequestSchema, async (subject, { job }) => ({
      result: (await readResult(store, account(subject), job)) ?? null,
    }));
    this.#endpoint(request('status'), statusRequestSchema, () => this.#status());

    this.#endpoint(workerRequest('progress'), progressRequestSchema, async (subject, asked) => {
      worker(subject);
      return viewProgress(store, asked);
    });
    this.#endpoint(workerRequest('provision'), provisionRequestSchema, (_, asked) =>
      provisionFor(store, asked),
    );
    this.#endpoint(workerRequest('claim'), claimRequestSchema, (subject, asked) =>
      claimFor(store, worker(subject), asked),
    );
    this.#endpoint(workerRequest('finish'), finishRequestSchema, (subject, asked) =>
      finishFor(store, worker(subject), asked),
    );
    this.#endpoint(workerRequest('beat'), beatRequestSchema, (subject, asked) =>
      beatFor(store, worker(subject), asked),
    );
    this.#notice(workerRequest('lease'), leaseRequestSchema, (said) => sayOfLeaseFor(store, said));
    this.#notice(workerRequest('next'), nextRequestSchema, (asked, reply) => {
      if (isInbox(reply)) requestNextFor(store, asked, reply);
    });
    await this.#connection.flush();
  }

  async #status(): Promise<StatusReply> {
    const [directors, { state }] = await Promise.all([
      listDirectors(this.#connection),
      this.#store.manager.streams.info(STREAMS.jobs),
    ]);
    return { directors, workers: this.#roster.workers(), jobs: state.messages };
  }

  #endpoint<T extends z.ZodType>(
    pattern: string,
    schema: T,
    answer: (subject: string, request: z.infer<T>) => Promise<unknown>,
  ): void {
    const verb = pattern.split('.').at(-1) ?? '';
    const handle = async (message: ServiceMsg): Promise<void> => {
      // An answer goes out with a director's rights: never to a subject that the asker may have chosen to be written to.
      if (!isInbox(message.reply)) {
        this.#counts.refused += 1;
        this.#log.warn({ verb }, 'request refused whose reply is no inbox');
        return;
      }
      try {
        const request = await this.#read(schema, message.data);
        message.respond(await encodeLarge(this.#connection, await answer(message.subject, request)));
      } catch (error) {
        this.#counts.refused += 1;
        const failure = asFailure(error);
        const level = failure.code === 'internal' ? 'error' : 'warn';
        this.#log[level]({ verb, code: failure.code, reason: failure.message }, 'request refused');
        message.respond(encode({ error: failure }));
      }
    };
    this.#listen(verb, pattern, (message) => void handle(message));
  }

  /** What is done and not answered. */
  #notice<T extends z.ZodType>(
    pattern: string,
    schema: T,
    act: (request: z.infer<T>, reply: string | undefined) => void,
  ): void {
    const verb = pattern.split('.').at(-1) ?? '';
    this.#listen(verb, pattern, ({ data, reply }) => {
      try {
        const request = decode(schema, data);
        if (!request.ok) throw new AipgError('job-refused', `The request is malformed: ${request.reason}.`);
        act(request.value, reply);
      } catch (error) {
        this.#counts.refused += 1;
        this.#log.warn({ verb, reason: toAipgError(error).message }, 'request refused');
      }
    });
  }

  #listen(verb: string, pattern: string, handler: (message: ServiceMsg) => void): void {
    this.#service?.addEndpoint(verb, {
      subject: pattern,
      handler: (error, message) => {
        if (error) this.#log.error({ verb, reason: error.message }, 'endpoint failed');
        else handler(message);
      },
    });
  }

  async #read<T extends z.ZodType>(schema: T, data: Uint8Array): Promise<z.infer<T>> {
    const request = await decodeLarge(this.#connection, schema, data);
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
