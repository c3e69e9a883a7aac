import { JetStreamApiError } from '@nats-io/jetstream';
import { decodeLarge } from '../bus/artifacts.ts';
import { faultPoint } from '../bus/fault-point.ts';
import { readMessages } from '../bus/read-messages.ts';
import type { RecordStore } from '../bus/record.ts';
import type { Roster } from '../bus/roster.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account, JobId, WorkerId } from '../protocol/ids.ts';
import { type Job, jobSchema, kindSchema, tierSchema } from '../protocol/job.ts';
import type { Log } from '../protocol/log.ts';
import type { ModelName } from '../protocol/model.ts';
import { isOwnLane, ownConsumerName, ownSubjects } from '../protocol/own-lane.ts';
import { STREAMS } from '../protocol/subjects.ts';
import { type AcceptedRecord, readAcceptedWithTicket } from './accepted.ts';
import { freeSlots } from './free-slots.ts';
import { endQueued } from './job-ends.ts';
import { readJob } from './job-reader.ts';
import { jobsToMove } from './own-wait.ts';
import { OwnWorkers } from './own-workers.ts';
import type { Policy } from './policy/policy.ts';
import { mayServe } from './policy/served-under.ts';
import { requeueJob } from './requeue.ts';

export interface OwnLaneOptions {
  readonly store: RecordStore;
  readonly roster: Roster;
  readonly policy: Policy;
  readonly log: Log;
  readonly now: () => number;
}

/** A job that waits for its account's own workers. */
export interface OwnJob {
  readonly own: AcceptedRecord['own'];
  /** When it began to wait, in milliseconds since 1970. */
  readonly since: number;
}

/**
 * Jobs that wait for their account's own workers, and when they stop to. They go to the queue of all as a lost job does:
 * taken out first, which only one can do, then queued again under the next attempt's number, so that a worker that took
 * it in the same moment is overtaken. A director that is killed in between leaves a lost job, which the reaper finds.
 */
export class OwnLane implements Disposable {
  readonly workers: OwnWorkers;
  readonly #options: OwnLaneOptions;
  /** Own queues that are being cleared, and whether again after that. */
  readonly #releasing = new Map<string, boolean>();
  #moved = 0;

  constructor(options: OwnLaneOptions) {
    const { store, now } = options;
    this.#options = options;
    this.workers = new OwnWorkers({
      connection: store.connection,
      now,
      onGone: (account, model) => this.#release(account, model),
    });
  }

  /** Jobs that this director has moved to the queue of all since its start. */
  get moved(): number {
    return this.#moved;
  }

  [Symbol.dispose](): void {
    this.workers[Symbol.dispose]();
  }

  /** Whether a job is to wait for its account's own workers first. */
  takes(account: Account, model: ModelName): boolean {
    return this.#taking(account, model).length > 0;
  }

  /**
   * Which of an account's jobs that no worker has taken are to wait for its own no longer.
   * @param jobs the oldest first
   */
  overdue<T extends OwnJob>(account: Account, model: ModelName, jobs: readonly T[]): readonly T[] {
    const now = this.#options.now();
    const isServed = this.takes(account, model);
    const movable = isServed ? jobs.filter((job) => job.own !== 'only') : jobs;
    const workers = this.workers.of(account);
    const count = jobsToMove({
      isServed,
      freeElsewhere: freeSlots(this.#options, model, (worker) => !workers.has(worker)),
      waited: movable.map(({ since }) => now - since),
    });
    return movable.slice(0, count);
  }

  /**
   * Moves a job to the queue of all; one that nobody but its account's own may do is ended instead.
   * @param sequence of its message in the queue's stream
   * @returns its place there; undefined when it has ended, is not there any more, or not written down as accepted (yet)
   */
  async move(account: Account, id: JobId, sequence: number): Promise<AcceptedRecord | undefined> {
    const { store, log } = this.#options;
    const accepted = await readAcceptedWithTicket(store, account, id);
    if (accepted?.record.sequence !== sequence) return undefined;
    if (accepted.record.own === 'only') return this.#end(accepted.record);
    if (!(await this.#takeOut(sequence))) return undefined;
    faultPoint('after-own-removal');
    const queued = await requeueJob(store, accepted.record, accepted.ticket);
    if (queued === undefined) return undefined;
    this.#moved += 1;
    const { job, lane } = accepted.record;
    log.info({ job: id, account, priorAttempts: queued.priorAttempts }, 'job moved to the queue of all');
    return { job: { ...job, priorAttempts: queued.priorAttempts }, lane, sequence: queued.sequence };
  }

  /**
   * Looks at an unfinished job of the queue's stream that may have been left behind.
   * @param subject of its message there
   * @returns whether it waits elsewhere now
   */
  async look({ job, sequence, own }: AcceptedRecord, subject: string): Promise<boolean> {
    if (!isOwnLane(subject) || !this.workers.knowsAll) return false;
    const isTaken = sequence <= (await this.#delivered(job));
    if (isTaken && (await this.#isInWork(job))) return false;
    if (this.overdue(job.account, job.model, [{ own, since: job.acceptedAt }]).length === 0) return false;
    return (await this.move(job.account, job.id, sequence)) !== undefined;
  }

  /**
   * Moves a job whose worker was lost in the middle of it, unless another of its account's has a slot free for it, or
   * nobody else may do it: its worker may come back.
   * @returns whether it was moved
   */
  async goOn({ job, sequence, own }: AcceptedRecord, lost: WorkerId): Promise<boolean> {
    if (own !== 'first') return false;
    const taking = new Set(this.#taking(job.account, job.model).filter((worker) => worker !== lost));
    const free = freeSlots(this.#options, job.model, (worker) => taking.has(worker)) ?? 0;
    if (free > 0) return false;
    return (await this.move(job.account, job.id, sequence)) !== undefined;
  }

  /** Takes the message of a job that has ended out of the queue, where its account's workers alone would come by it. */
  async tidy({ own, sequence }: AcceptedRecord): Promise<void> {
    if (own) await this.#takeOut(sequence);
  }

  /**
   * Ends a job that nobody else can be paid for. Not while this director may only have missed what its workers say: who
   * looks after accepted jobs comes back to it.
   */
  async #end(accepted: AcceptedRecord): Promise<undefined> {
    const { account: owner, model } = accepted.job;
    if (!this.workers.knowsAll && !this.workers.haveStopped(owner, model)) return;
    const error = new AipgError(
      'insufficient-credits',
      'The workers of this account have stopped, and it has not the credits for those of others.',
      { hint: 'Start `aipg worker` again, or ask the operator for credits.' },
    ).toJSON();
    if (!(await endQueued(this.#options.store, accepted, { status: 'failed', error }))) return;
    const { account, id: job } = accepted.job;
    this.#options.log.info({ job, account }, 'job ended that only workers of its account could do');
  }

  #taking(account: Account, model: ModelName): readonly WorkerId[] {
    const { policy, roster } = this.#options;
    return this.workers.taking(account, model).filter((worker) => mayServe(policy, roster, worker, model));
  }

  /** Up to where the queue's stream was handed out to the account's workers. */
  async #delivered({ kind, tier, model, account }: Pick<Job, 'kind' | 'tier' | 'model' | 'account'>) {
    const consumer = ownConsumerName(kind, tier, model, account);
    try {
      return (await this.#options.store.manager.consumers.info(STREAMS.jobs, consumer)).delivered.stream_seq;
    } catch (error) {
      if (error instanceof JetStreamApiError) return 0;
      throw error;
    }
  }

  /** Whether a worker that was heard of has a job that was handed out, and has not given it back. */
  async #isInWork({ account, id }: Pick<Job, 'account' | 'id'>): Promise<boolean> {
    const { attempts, result } = await readJob(this.#options.store, account, id);
    const last = attempts.at(-1);
    if (result !== undefined || last === undefined || last.end !== undefined) return false;
    return this.workers.isAtWork(account, last.worker);
  }

  /** @returns whether it was there */
  async #takeOut(sequence: number): Promise<boolean> {
    try {
      return await this.#options.store.manager.streams.deleteMessage(STREAMS.jobs, sequence);
    } catch (error) {
      if (error instanceof JetStreamApiError) return false;
      throw error;
    }
  }

  /** What comes while it runs is looked at once more behind it. */
  #release(account: Account, model: ModelName): void {
    const key = `${account} ${model}`;
    const isRunning = this.#releasing.has(key);
    this.#releasing.set(key, isRunning);
    if (!isRunning) void this.#releaseAll(key, account, model);
  }

  async #releaseAll(key: string, account: Account, model: ModelName): Promise<void> {
    do {
      this.#releasing.set(key, false);
      try {
        await this.#moveAll(account, model);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.log.warn({ reason }, "an account's own queue could not be cleared");
      }
    } while (this.#releasing.get(key));
    this.#releasing.delete(key);
  }

  /** All that waits in an account's own queue, and what was given back there. */
  async #moveAll(account: Account, model: ModelName): Promise<void> {
    const { connection } = this.#options.store;
    for (const kind of kindSchema.options) {
      for (const tier of tierSchema.options) {
        const delivered = await this.#delivered({ kind, tier, model, account });
        const subject = ownSubjects.job(kind, tier, model, account);
        for await (const { data, sequence } of readMessages(connection, STREAMS.jobs, { subject })) {
          if (this.takes(account, model)) return;
          const job = await decodeLarge(connection, jobSchema, data);
          if (!job.ok || (sequence <= delivered && (await this.#isInWork(job.value)))) continue;
          await this.move(account, job.value.id, sequence);
        }
      }
    }
  }
}
