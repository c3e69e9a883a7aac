import type { JsMsg } from '@nats-io/jetstream';
import { decodeLarge } from '../bus/artifacts.ts';
import { Following } from '../bus/following.ts';
import { provisionReaper } from '../bus/provision.ts';
import { type RecordStore, readResult } from '../bus/record.ts';
import { ticketOf } from '../bus/ticket.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account, JobId, Ticket } from '../protocol/ids.ts';
import type { Job } from '../protocol/job.ts';
import type { Log } from '../protocol/log.ts';
import { REAPER, STREAMS } from '../protocol/subjects.ts';
import { type AcceptedRecord, acceptedRecordSchema, readAccepted } from './accepted.ts';
import { Clients } from './clients.ts';
import { endQueued, type NotDone } from './job-ends.ts';
import type { OwnLane } from './own-lane.ts';
import { requeueJob } from './requeue.ts';

export interface ReaperTimes {
  /** Before an accepted job is first looked at, in milliseconds: most have ended by then. */
  readonly firstLookMs: number;
  /** A client gone for longer than this is gone for good, in milliseconds: longer than it may take to reconnect. */
  readonly clientGraceMs: number;
}

export const DEFAULT_REAPER_TIMES: ReaperTimes = { firstLookMs: 30_000, clientGraceMs: 90_000 };

/** Between two looks at a job, in milliseconds; in between, a quarter of its age. */
const LOOK_MS = { least: 10_000, most: 60_000 };
/** After its own time limit, a job has this long to end by itself, in milliseconds. */
const TIMEOUT_GRACE_MS = 2_000;
/** Jobs looked after at once. */
const MAX_HELD = 1_000;

/**
 * Looks after accepted jobs until they have ended: queues again what the queue has lost, as by a hostile
 * acknowledgement; ends what is past its time; cancels what nobody waits for any more. Any number of directors share
 * the work: each accepted job is a message of one queue, handed to one of them at a time.
 */
export class Reaper implements AsyncDisposable {
  readonly #store: RecordStore;
  readonly #log: Log;
  readonly #times: ReaperTimes;
  readonly #now: () => number;
  readonly #settle: ReaperOptions['settle'];
  readonly #own: OwnLane | undefined;
  readonly #clients: Clients;
  readonly #held = new Map<NodeJS.Timeout, JsMsg>();
  readonly #counts = { requeued: 0, expired: 0, abandoned: 0 };
  #following: Following | undefined;

  private constructor(options: ReaperOptions) {
    this.#store = options.store;
    this.#log = options.log;
    this.#times = options.times ?? DEFAULT_REAPER_TIMES;
    this.#now = options.now;
    this.#settle = options.settle;
    this.#own = options.own;
    this.#clients = new Clients(options.store.connection, options.now);
  }

  static async start(options: ReaperOptions): Promise<Reaper> {
    const { connection, manager, jetstream } = options.store;
    const reaper = new Reaper(options);
    reaper.#following = await Following.start(connection, async () => {
      await provisionReaper(manager);
      const consumer = await jetstream.consumers.get(STREAMS.accepted, REAPER);
      return consumer.consume({ max_messages: MAX_HELD, callback: (message) => reaper.#hold(message) });
    });
    return reaper;
  }

  /** Since the start: jobs queued again, ended past their time, and cancelled because their client was gone. */
  get counts(): Readonly<{ requeued: number; expired: number; abandoned: number }> {
    return this.#counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // First, so that nothing of what is given back comes here again.
    await this.#following?.[Symbol.asyncDispose]();
    for (const [timer, message] of this.#held) {
      clearTimeout(timer);
      // Another director looks after it at once.
      message.nak();
    }
    this.#held.clear();
  }

  /** Messages come in the order of their age, so nothing is missed while the first of them is too young. */
  #hold(message: JsMsg): void {
    const age = this.#now() - message.info.timestampNanos / 1e6;
    const wait = Math.max(0, this.#times.firstLookMs - age);
    const timer = setTimeout(() => {
      this.#held.delete(timer);
      void this.#look(message).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.warn({ reason }, 'a job could not be looked after');
        message.nak(LOOK_MS.least);
      });
    }, wait);
    this.#held.set(timer, message);
  }

  async #look(message: JsMsg): Promise<void> {
    const decoded = await decodeLarge(this.#store.connection, acceptedRecordSchema, message.data);
    if (!decoded.ok) return message.term(`malformed: ${decoded.reason}`);
    const { sequence, job } = decoded.value;
    if (await readResult(this.#store, job.account, job.id)) {
      await this.#own?.tidy(decoded.value);
      return this.#letGo(message, job);
    }
    const expiresIn = this.#expiresInMs(job);
    if (expiresIn <= -TIMEOUT_GRACE_MS) {
      const { timeoutMs } = job.limits;
      const error = new AipgError('timeout', `The job did not end within ${timeoutMs} ms.`).toJSON();
      if (await this.#end(decoded.value, { status: 'failed', error })) this.#counts.expired += 1;
      return this.#letGo(message, job);
    }
    if (job.client !== undefined) {
      const gone = await this.#clients.goneForMs(job.account, job.client);
      if (gone > this.#times.clientGraceMs) {
        const reason = 'its client is gone';
        if (await this.#end(decoded.value, { status: 'cancelled', reason })) this.#counts.abandoned += 1;
        return this.#letGo(message, job);
      }
    }
    const queued = await this.#store.manager.direct.getMessage(STREAMS.jobs, { seq: sequence });
    // From then on it is looked after by a record of its own.
    const hasMoved = queued
      ? await this.#own?.look(decoded.value, queued.subject)
      : await this.#requeue(decoded.value, ticketOf(message));
    if (hasMoved) return this.#letGo(message, job);
    message.nak(this.#nextLookMs(job, expiresIn));
  }

  /** What was accepted is what a settlement goes by, so it stays until then. */
  async #letGo(message: JsMsg, { account, id }: Job): Promise<void> {
    const waitMs = await this.#settle?.(account, id);
    if (waitMs === undefined) message.ack();
    else message.nak(waitMs);
  }

  async #requeue(lost: AcceptedRecord, ticket: Ticket | undefined): Promise<true> {
    const { account, id: job } = lost.job;
    const newest = await readAccepted(this.#store, account, job);
    // It was moved, and its new place is on record.
    if (newest && newest.sequence > lost.sequence) return true;
    const queued = await requeueJob(this.#store, lost, ticket);
    if (queued === undefined) return true;
    const { priorAttempts } = queued;
    this.#counts.requeued += 1;
    this.#log.warn({ job, account, priorAttempts }, 'lost job queued again');
    return true;
  }

  async #end(accepted: AcceptedRecord, result: NotDone): Promise<boolean> {
    if (!(await endQueued(this.#store, accepted, result))) return false;
    const { account, id: job } = accepted.job;
    this.#log.info({ job, account, end: result.status }, 'job ended by its reaper');
    return true;
  }

  #expiresInMs({ acceptedAt, limits }: Job): number {
    return limits.timeoutMs === undefined
      ? Number.POSITIVE_INFINITY
      : acceptedAt + limits.timeoutMs - this.#now();
  }

  #nextLookMs({ acceptedAt }: Job, expiresIn: number): number {
    const { least, most } = LOOK_MS;
    const byAge = Math.min(
      most,
      Math.max(Math.min(least, this.#times.firstLookMs), (this.#now() - acceptedAt) / 4),
    );
    return Math.max(100, Math.min(byAge, expiresIn + TIMEOUT_GRACE_MS));
  }
}

export interface ReaperOptions {
  readonly store: RecordStore;
  readonly log: Log;
  readonly times?: ReaperTimes | undefined;
  readonly now: () => number;
  /** Jobs that wait for their account's own workers are not left there. */
  readonly own?: OwnLane | undefined;
  /** Where credits are on: called for each job that has ended, before it is let go, or is to be held for so long yet. */
  readonly settle?: ((account: Account, job: JobId) => Promise<number | undefined>) | undefined;
}
