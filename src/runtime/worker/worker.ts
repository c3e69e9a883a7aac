import {
  type ConsumerMessages,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
} from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { openWorkersBucket, provision, provisionConsumer } from '../bus/provision.ts';
import type { LoadedModel } from '../engines/engine.ts';
import { decode, encode } from '../protocol/codec.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { type Job, jobSchema } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import { STREAMS } from '../protocol/subjects.ts';
import type { Heartbeat, WorkerState } from '../protocol/worker.ts';
import { runAttempt } from './attempt.ts';

/** Between two heartbeats, in milliseconds. */
export const HEARTBEAT_MS = 5_000;
/** How long one request for a job waits at the bus before it is made again, in milliseconds. */
const PULL_EXPIRES_MS = 30_000;
/** Before the bus is asked again after it refused, in milliseconds. */
const PULL_RETRY_MS = 500;

export interface WorkerOptions {
  readonly connection: NatsConnection;
  readonly id: WorkerId;
  readonly version: string;
  readonly model: LoadedModel;
  readonly log: Log;
  readonly now?: () => number;
}

export interface DrainOptions {
  /** Running jobs that take longer go back to the queue, in milliseconds. Default: they may take all the time. */
  readonly timeoutMs?: number;
}

/** Serves one loaded model: pulls a job whenever a slot is free. The connection and the model stay the caller's. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #jetstream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #bucket: KV;
  readonly #consumer: string;
  readonly #startedAt: number;
  readonly #giveBack = new AbortController();
  readonly #pulls = new Set<ConsumerMessages>();
  readonly #slots: Promise<void>[];
  readonly #counts = { done: 0, failed: 0, refused: 0 };
  readonly #heartbeat: NodeJS.Timeout;
  #state: WorkerState = 'serving';
  #busy = 0;
  #drained: Promise<void> | undefined;

  private constructor(options: WorkerOptions, manager: JetStreamManager, bucket: KV, consumer: string) {
    this.#options = options;
    this.#jetstream = jetstream(options.connection);
    this.#manager = manager;
    this.#bucket = bucket;
    this.#consumer = consumer;
    this.#startedAt = (options.now ?? Date.now)();
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#slots = Array.from({ length: options.model.slots }, () => this.#serveSlot());
  }

  /** Resolves when the grid knows the worker and every slot waits for a job. */
  static async start(options: WorkerOptions): Promise<Worker> {
    const manager = await provision(options.connection);
    const consumer = await provisionConsumer(manager, 'text', 'standard', options.model.facts.name);
    const worker = new Worker(options, manager, await openWorkersBucket(options.connection), consumer);
    await worker.#beat();
    return worker;
  }

  get id(): WorkerId {
    return this.#options.id;
  }

  /** Jobs in work now. */
  get busy(): number {
    return this.#busy;
  }

  /** Since the start: jobs done and failed here, and messages refused as malformed. */
  get counts(): Readonly<{ done: number; failed: number; refused: number }> {
    return this.#counts;
  }

  /** Takes no new job, lets running ones end, and takes its leave of the grid. Safe to call again, to hurry. */
  drain({ timeoutMs }: DrainOptions = {}): Promise<void> {
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => this.#giveBack.abort(), timeoutMs);
      void Promise.allSettled(this.#slots).then(() => clearTimeout(timer));
    }
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    this.#state = 'draining';
    this.#options.log.info({ worker: this.id, running: this.#busy }, 'draining');
    await Promise.all([this.#beat(), ...[...this.#pulls].map((pull) => pull.close())]);
    await Promise.allSettled(this.#slots);
    clearInterval(this.#heartbeat);
    await this.#bucket.purge(this.id).catch(() => undefined);
    await this.#options.connection.flush();
  }

  async #serveSlot(): Promise<void> {
    const { log } = this.#options;
    const consumer = await this.#jetstream.consumers.get(STREAMS.jobs, this.#consumer);
    while (this.#state === 'serving') {
      try {
        const pull = await consumer.fetch({ max_messages: 1, expires: PULL_EXPIRES_MS, bind: true });
        this.#pulls.add(pull);
        try {
          for await (const message of pull) await this.#take(message);
        } finally {
          this.#pulls.delete(pull);
        }
      } catch (error) {
        if (this.#state !== 'serving') return;
        log.warn(
          { reason: error instanceof Error ? error.message : String(error) },
          'no job from the bus; asking again',
        );
        await new Promise((resolve) => setTimeout(resolve, PULL_RETRY_MS));
      }
    }
  }

  async #take(message: JsMsg): Promise<void> {
    const { log } = this.#options;
    const job = decode(jobSchema, message.data);
    if (!job.ok) {
      this.#counts.refused += 1;
      log.warn({ sequence: message.seq, reason: job.reason }, 'malformed job refused');
      message.term(job.reason);
      return;
    }
    if (this.#state !== 'serving') {
      message.nak();
      return;
    }
    await this.#run(message, job.value);
  }

  async #run(message: JsMsg, job: Job): Promise<void> {
    const { connection, id, model, log } = this.#options;
    const startedAt = performance.now();
    this.#busy += 1;
    log.debug({ job: job.id, attempt: message.info.deliveryCount }, 'job leased');
    try {
      const end = await runAttempt(
        {
          connection,
          jetstream: this.#jetstream,
          manager: this.#manager,
          worker: id,
          model,
          log,
          giveBack: this.#giveBack.signal,
        },
        message,
        job,
      );
      if (end === 'done') this.#counts.done += 1;
      if (end === 'failed') this.#counts.failed += 1;
      log.info({ job: job.id, end, ms: Math.round(performance.now() - startedAt) }, 'job ended here');
    } catch (error) {
      // The bus is gone in the middle of it: the lease runs out and the job goes elsewhere.
      log.error(
        { job: job.id, reason: error instanceof Error ? error.message : String(error) },
        'attempt broken off',
      );
    } finally {
      this.#busy -= 1;
    }
  }

  async #beat(): Promise<void> {
    const { id, version, model, log } = this.#options;
    const heartbeat: Heartbeat = {
      protocol: PROTOCOL_VERSION,
      worker: id,
      version,
      state: this.#state,
      models: [model.facts],
      slots: { total: model.slots, busy: this.#busy },
      jobs: { done: this.#counts.done, failed: this.#counts.failed },
      startedAt: this.#startedAt,
    };
    try {
      await this.#bucket.put(id, encode(heartbeat));
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'heartbeat not delivered');
    }
  }
}
