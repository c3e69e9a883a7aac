import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
// Now and not on use, when a newer release may have taken the file's place.
import '../bus/artifact-store.ts';
import { decodeLarge } from '../bus/artifacts.ts';
import { JobQueue } from '../bus/job-queue.ts';
import type { Lease } from '../bus/lease.ts';
import { ACK_WAIT_MS, type OwnQueue, type Queue } from '../bus/provision.ts';
import { Reconnects } from '../bus/reconnects.ts';
import type { LoadedModel } from '../engines/engine.ts';
import { type Decoded, decode, encode } from '../protocol/codec.ts';
import { controlJobSchema, controlWorkerSchema } from '../protocol/control.ts';
import type { JobId, WorkerId } from '../protocol/ids.ts';
import { type Job, jobSchema } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import { subjects } from '../protocol/subjects.ts';
import type { Heartbeat, Region, WorkerState } from '../protocol/worker.ts';
import { Attempt, type AttemptOutcome } from './attempt.ts';
import { Breaker } from './breaker.ts';
import type { WorkerIdentity } from './identity.ts';
import { openLink, type WorkerLink } from './link.ts';

/** Between two heartbeats, in milliseconds. */
export const HEARTBEAT_MS = 5_000;
/** Changes of the slots in use are told of together within this time, in milliseconds. */
const CHANGE_MS = 100;

export interface WorkerOptions {
  readonly connection: NatsConnection;
  readonly identity: WorkerIdentity;
  readonly version: string;
  /** Told to the grid. */
  readonly region?: Region | undefined;
  readonly model: LoadedModel;
  readonly log: Log;
  /** Copies of each stream, where this worker is the first to come. */
  readonly replicas?: number | undefined;
  readonly now?: () => number;
}

export interface DrainOptions {
  /** Running jobs that take longer go back to the queue, in milliseconds. Default: they may take all the time. */
  readonly timeoutMs?: number;
}

/** Serves one loaded model: pulls a job whenever a slot is free. The connection and the model stay the caller's. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #link: WorkerLink;
  readonly #breaker: Breaker;
  readonly #queue: JobQueue;
  readonly #startedAt: number;
  readonly #giveBack = new AbortController();
  /** Attempts in work, or done and not on record yet. */
  readonly #attempts = new Map<JobId, Attempt>();
  readonly #ending = new Set<Promise<void>>();
  readonly #toldToDrain = Promise.withResolvers<void>();
  readonly #slots: Promise<void>[];
  readonly #counts = { done: 0, failed: 0, refused: 0 };
  readonly #heartbeat: NodeJS.Timeout;
  readonly #unlisten: () => void;
  readonly #control: Subscription;
  #state: WorkerState = 'serving';
  #reason: string | undefined;
  #busy = 0;
  #change: NodeJS.Timeout | undefined;
  #drained: Promise<void> | undefined;

  private constructor(options: WorkerOptions, link: WorkerLink, queues: readonly (Queue | OwnQueue)[]) {
    const { connection, model, log } = options;
    this.#options = options;
    this.#link = link;
    this.#queue = new JobQueue(connection, queues, link.access(model.facts.name));
    this.#breaker = new Breaker(model, log, (reason) => this.#pause(reason));
    this.#startedAt = (options.now ?? Date.now)();
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') void this.#beatAnew();
    });
    // That it is answered shows that the process is there; the bus itself says when nobody listens.
    this.#control = connection.subscribe(subjects.controlWorker(this.id), {
      callback: (error, message) => {
        if (error) return;
        void this.#obey(message);
      },
    });
    this.#slots = Array.from({ length: model.slots }, () => this.#serveSlot());
  }

  /** Resolves when the grid knows the worker and every slot waits for a job. */
  static async start(options: WorkerOptions): Promise<Worker> {
    const { connection, identity, replicas } = options;
    const link = await openLink({ connection, id: identity.id, replicas });
    const worker = new Worker(options, link, await link.queues(options.model.facts.name));
    await worker.#beat();
    return worker;
  }

  get id(): WorkerId {
    return this.#options.identity.id;
  }

  /** Jobs in work now. */
  get busy(): number {
    return this.#busy;
  }

  /** Since the start: jobs done and failed here, and messages refused as malformed. */
  get counts(): Readonly<{ done: number; failed: number; refused: number }> {
    return this.#counts;
  }

  /** Resolves when the grid tells it to drain: whoever runs it is then to do so. */
  get toldToDrain(): Promise<void> {
    return this.#toldToDrain.promise;
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
    this.#breaker.close();
    await this.#beat();
    await Promise.allSettled(this.#slots);
    await Promise.allSettled(this.#ending);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#change);
    this.#unlisten();
    this.#control.unsubscribe();
    await this.#link.leave().catch(() => undefined);
    await this.#options.connection.flush().catch(() => undefined);
  }

  async #obey(message: Msg): Promise<void> {
    const control =
      message.data.length === 0
        ? undefined
        : await decodeLarge(this.#options.connection, controlJobSchema, message.data).catch(() => undefined);
    if (!control?.ok) {
      if (message.reply) message.respond();
      if (decode(controlWorkerSchema, message.data).ok) this.#toldToDrain.resolve();
      return;
    }
    const attempt = this.#attempts.get(control.value.job);
    if (control.value.type !== 'content') {
      attempt?.obey(control.value);
      if (message.reply) message.respond();
    } else if (message.reply) {
      message.respond(encode({ taken: attempt?.take(control.value) ?? false }));
    }
  }

  async #serveSlot(): Promise<void> {
    for (;;) {
      await this.#breaker.whenClosed();
      const lease = await this.#queue.next();
      if (lease === undefined) return;
      if (this.#breaker.isOpen) lease.giveBack();
      else await this.#take(lease);
    }
  }

  async #take(lease: Lease): Promise<void> {
    const job = await this.#read(lease).catch(() => undefined);
    // The bus is gone in the middle of it: the lease runs out and the job is handed out again.
    if (job === undefined) return;
    if (!job.ok) return this.#refuse(lease, job.reason);
    const own = this.#attempts.get(job.value.id);
    if (own) own.adopt(lease);
    else await this.#run(lease, job.value);
  }

  /** A large one takes a while to come. */
  async #read(lease: Lease): Promise<Decoded<Job>> {
    const renewal = setInterval(() => lease.renew(), ACK_WAIT_MS / 3);
    try {
      return await decodeLarge(this.#options.connection, jobSchema, lease.data);
    } finally {
      clearInterval(renewal);
    }
  }

  #refuse(lease: Lease, reason: string): void {
    this.#counts.refused += 1;
    this.#options.log.warn({ sequence: lease.sequence, reason }, 'malformed job refused');
    lease.refuse(reason);
  }

  /** Resolves when the slot is free, which is before the job's end is on record. */
  #run(lease: Lease, job: Job): Promise<void> {
    const { connection, identity, model, log } = this.#options;
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
    const attempt = new Attempt(
      { connection, link: this.#link, identity, model, log, giveBack: this.#giveBack.signal, onSlotFree },
      lease,
      job,
    );
    this.#attempts.set(job.id, attempt);
    const ending = attempt
      .run()
      .then((outcome) => this.#count(job, outcome, performance.now() - startedAt))
      .catch((error: unknown) => {
        // The connection is closed for good: the lease runs out and the job goes elsewhere.
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ job: job.id, reason }, 'attempt broken off');
      })
      .finally(() => {
        onSlotFree();
        this.#ending.delete(ending);
        this.#attempts.delete(job.id);
      });
    this.#ending.add(ending);
    return slotFree;
  }

  #count(job: Job, end: AttemptOutcome, ms: number): void {
    if (end === 'done') this.#counts.done += 1;
    if (end === 'failed') this.#counts.failed += 1;
    if (end === 'done') this.#breaker.succeeded();
    if (end === 'retried') this.#breaker.failed(job.id);
    this.#options.log.info({ job: job.id, end, ms: Math.round(ms) }, 'job ended here');
  }

  /** @param reason why it takes no more jobs; `undefined`: it takes them again */
  #pause(reason: string | undefined): void {
    this.#reason = reason;
    if (this.#state !== 'draining') this.#state = reason === undefined ? 'serving' : 'paused';
    void this.#beat();
  }

  #changeBusy(by: 1 | -1): void {
    this.#busy += by;
    this.#change ??= setTimeout(() => {
      this.#change = undefined;
      void this.#beat();
    }, CHANGE_MS);
  }

  /** A bus that was restarted has lost its memory, and the bucket with it. */
  async #beatAnew(): Promise<void> {
    try {
      await this.#link.renew();
      await this.#beat();
    } catch (error) {
      this.#options.log.warn({ reason: String(error) }, 'heartbeat not delivered');
    }
  }

  async #beat(): Promise<void> {
    const { version, region, model, log } = this.#options;
    const heartbeat: Heartbeat = {
      protocol: PROTOCOL_VERSION,
      worker: this.id,
      version,
      ...(region !== undefined && { region }),
      state: this.#state,
      ...(this.#reason !== undefined && { reason: this.#reason }),
      models: [model.facts],
      slots: { total: model.slots, busy: this.#busy },
      jobs: { done: this.#counts.done, failed: this.#counts.failed },
      startedAt: this.#startedAt,
    };
    try {
      await this.#link.beat(heartbeat);
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'heartbeat not delivered');
    }
  }
}
