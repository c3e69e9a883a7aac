import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { JobQueue } from '../bus/job-queue.ts';
import type { Lease } from '../bus/lease.ts';
import { openWorkersBucket, provision, provisionConsumer } from '../bus/provision.ts';
import type { LoadedModel } from '../engines/engine.ts';
import { decode, encode } from '../protocol/codec.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { type Job, jobSchema } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import type { Heartbeat, WorkerState } from '../protocol/worker.ts';
import { runAttempt } from './attempt.ts';

/** Between two heartbeats, in milliseconds. */
export const HEARTBEAT_MS = 5_000;
/** Changes of the slots in use are told of together within this time, in milliseconds. */
const CHANGE_MS = 100;

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
  readonly #queue: JobQueue;
  readonly #startedAt: number;
  readonly #giveBack = new AbortController();
  /** Attempts that are not on record yet. */
  readonly #ending = new Set<Promise<void>>();
  readonly #slots: Promise<void>[];
  readonly #counts = { done: 0, failed: 0, refused: 0 };
  readonly #heartbeat: NodeJS.Timeout;
  #state: WorkerState = 'serving';
  #busy = 0;
  #change: NodeJS.Timeout | undefined;
  #drained: Promise<void> | undefined;

  private constructor(options: WorkerOptions, manager: JetStreamManager, bucket: KV, consumer: string) {
    this.#options = options;
    this.#jetstream = jetstream(options.connection);
    this.#manager = manager;
    this.#bucket = bucket;
    this.#queue = new JobQueue(options.connection, consumer);
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
    this.#queue.close();
    await this.#beat();
    await Promise.allSettled(this.#slots);
    await Promise.allSettled(this.#ending);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#change);
    await this.#bucket.purge(this.id).catch(() => undefined);
    await this.#options.connection.flush();
  }

  async #serveSlot(): Promise<void> {
    for (;;) {
      const lease = await this.#queue.next();
      if (lease === undefined) return;
      const job = decode(jobSchema, lease.data);
      if (job.ok) await this.#run(lease, job.value);
      else this.#refuse(lease, job.reason);
    }
  }

  #refuse(lease: Lease, reason: string): void {
    this.#counts.refused += 1;
    this.#options.log.warn({ sequence: lease.sequence, reason }, 'malformed job refused');
    lease.refuse(reason);
  }

  /** Resolves when the slot is free, which is before the job's end is on record. */
  #run(lease: Lease, job: Job): Promise<void> {
    const { connection, id, model, log } = this.#options;
    const startedAt = performance.now();
    const { promise: slotFree, resolve } = Promise.withResolvers<void>();
    let running = true;
    const onSlotFree = () => {
      if (running) this.#changeBusy(-1);
      running = false;
      resolve();
    };
    this.#changeBusy(1);
    log.debug({ job: job.id, attempt: lease.attempt }, 'job leased');
    const ending = runAttempt(
      {
        connection,
        jetstream: this.#jetstream,
        manager: this.#manager,
        worker: id,
        model,
        log,
        giveBack: this.#giveBack.signal,
        onSlotFree,
      },
      lease,
      job,
    )
      .then((end) => {
        if (end === 'done') this.#counts.done += 1;
        if (end === 'failed') this.#counts.failed += 1;
        log.info({ job: job.id, end, ms: Math.round(performance.now() - startedAt) }, 'job ended here');
      })
      .catch((error: unknown) => {
        // The bus is gone in the middle of it: the lease runs out and the job goes elsewhere.
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ job: job.id, reason }, 'attempt broken off');
      })
      .finally(() => {
        onSlotFree();
        this.#ending.delete(ending);
      });
    this.#ending.add(ending);
    return slotFree;
  }

  #changeBusy(by: 1 | -1): void {
    this.#busy += by;
    this.#change ??= setTimeout(() => {
      this.#change = undefined;
      void this.#beat();
    }, CHANGE_MS);
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
