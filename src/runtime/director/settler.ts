import { setTimeout as delay } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { decodeLarge } from '../bus/artifacts.ts';
import { faultPoint } from '../bus/fault-point.ts';
import { Following } from '../bus/following.ts';
import { provisionSettler } from '../bus/provision.ts';
import { type RecordStore, readRecord } from '../bus/record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Reservation } from '../ledger/tables.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import type { Log } from '../protocol/log.ts';
import { isCutShort, type Result, recordSchema } from '../protocol/result.ts';
import type { JobInput } from '../protocol/sealed.ts';
import { resultJob, SETTLER, STREAMS } from '../protocol/subjects.ts';
import { readAccepted, readAcceptedWithTicket } from './accepted.ts';
import { type CutShortJob, endingOfCutShort, holderOf } from './cut-short.ts';
import { LateParts } from './late-parts.ts';
import type { RecentInputs } from './recent-inputs.ts';
import { type Ending, endingDraft, endingOf } from './settlement.ts';
import { readShown } from './shown.ts';
import type { TokenCounter } from './token-counter.ts';

/** Before a result that could not be settled is looked at again, in milliseconds: twice as long each time. */
const RETRY_MS = { first: 1_000, most: 60_000 };
/** What ends within this time is written into the ledger together, in milliseconds: nobody waits for it. */
const TOGETHER_MS = 100;
/**
 * So long the worker of a job that was cut short has to say what it has streamed, in milliseconds: enough to reconnect,
 * or to ask a second director after one that did not answer within 5 seconds.
 */
export const PART_GRACE_MS = 10_000;

export interface SettlerOptions {
  readonly store: RecordStore;
  readonly ledger: Ledger;
  readonly inputs: RecentInputs;
  readonly countTokens: TokenCounter;
  readonly log: Log;
  readonly now: () => number;
  /** Default: {@link PART_GRACE_MS}. */
  readonly partGraceMs?: number | undefined;
}

/** A final record, and when it was first written, in milliseconds since 1970. */
interface Ended {
  readonly result: Result;
  readonly endedAt: number;
}

/**
 * Ends the reservation of every job that has ended: pays its worker's owner, or gives the asker back what was held. Any
 * number of directors share the work, each result being a message of one consumer; done twice, the ledger takes it once.
 */
export class Settler implements AsyncDisposable {
  readonly #options: SettlerOptions;
  #following: Following | undefined;
  readonly #running = new Set<Promise<void>>();
  readonly #late: LateParts;
  #next: Promise<void> | undefined;
  readonly #counts = { settled: 0, refunded: 0 };

  private constructor(options: SettlerOptions) {
    this.#options = options;
    const { store, log } = options;
    this.#late = new LateParts({
      store,
      settle: (account, job) => this.settle(account, job),
      run: (job, work) =>
        this.#run(work.catch((error: unknown) => log.warn({ job, reason: reasonOf(error) }, NOT_SETTLED))),
    });
  }

  static async start(options: SettlerOptions): Promise<Settler> {
    const { connection, manager, jetstream } = options.store;
    const settler = new Settler(options);
    settler.#following = await Following.start(connection, async () => {
      await provisionSettler(manager);
      const consumer = await jetstream.consumers.get(STREAMS.results, SETTLER);
      return consumer.consume({ callback: (message) => settler.#begin(message) });
    });
    return settler;
  }

  /** Reservations that this director has ended since its start. */
  get counts(): Readonly<{ settled: number; refunded: number }> {
    return this.#counts;
  }

  /**
   * Settles a job whose result stands, unless that was done.
   * @returns when to ask again, in milliseconds from now; `undefined`: nothing is left to be done
   */
  async settle(account: Account, job: JobId): Promise<number | undefined> {
    if ((await this.#reservation(job)) === undefined) return undefined;
    const { record, writtenAt } = await readRecord(this.#options.store, account, job);
    if (record === undefined || record.status === 'claimed') return undefined;
    return await this.#end(account, job, endedOf(record, writtenAt));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#following?.[Symbol.asyncDispose]();
    this.#late[Symbol.dispose]();
    await Promise.allSettled(this.#running);
  }

  #begin(message: JsMsg): void {
    this.#run(this.#take(message));
  }

  #run(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #take(message: JsMsg): Promise<void> {
    const { store, log } = this.#options;
    const of = resultJob(message.subject);
    try {
      const record = await decodeLarge(store.connection, recordSchema, message.data);
      if (of && record.ok && record.value.status !== 'claimed') {
        const ended = endedOf(record.value, message.info.timestampNanos / 1e6);
        const waitMs = await this.#end(of.account, of.job, ended);
        if (waitMs !== undefined) this.#late.wait(waitMs, of.account, of.job);
      }
      message.ack();
    } catch (error) {
      log.warn({ job: of?.job, reason: reasonOf(error) }, NOT_SETTLED);
      message.nak(Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** (message.info.deliveryCount - 1)));
    }
  }

  /** @returns how long its worker has still to be waited for, in milliseconds */
  async #end(account: Account, job: JobId, ended: Ended): Promise<number | undefined> {
    const { ledger, log } = this.#options;
    const reservation = await this.#reservation(job);
    // One that was made for another account is not this result's to end.
    if (reservation?.account !== account) return undefined;
    const ending = await this.#ending(reservation, ended);
    if (typeof ending === 'number') return ending;
    await this.#together();
    faultPoint('before-settle');
    const added = await ledger.append((state) => {
      const draft = endingDraft(state, reservation, ending);
      return draft && [draft];
    });
    faultPoint('after-settle');
    // Another director was first.
    if (!added) return undefined;
    this.#counts['paid' in ending ? 'settled' : 'refunded'] += 1;
    if ('why' in ending)
      log.warn({ job, account, reason: ending.why }, 'what was done of a job was not paid for');
    return undefined;
  }

  async #ending(reservation: Reservation, { result, endedAt }: Ended): Promise<Ending | number> {
    const { store, countTokens, now, partGraceMs = PART_GRACE_MS } = this.#options;
    const { account, job } = reservation;
    if (!isCutShort(result)) {
      const input = result.status === 'done' ? await this.#input(account, job) : undefined;
      return await endingOf(reservation, result, input, countTokens);
    }
    const accepted = await readAcceptedWithTicket(store, account, job);
    const shown = await readShown(store, account, job, endedAt, accepted?.ticket);
    const graceMs = Math.min(partGraceMs, endedAt + partGraceMs - now());
    const hasBegun = holderOf(result, shown) !== undefined || shown.chunks.length + shown.sealed.length > 0;
    if (result.part === undefined && hasBegun && graceMs > 0) return graceMs;
    const ofJob = accepted?.record.job;
    const input = this.#options.inputs.take(job) ?? ofJob?.input;
    const cutShort: CutShortJob = { result, endedAt, shown, job: ofJob, input };
    return await endingOfCutShort(reservation, cutShort, countTokens, now());
  }

  /** Resolves for all who wait at the same time. */
  #together(): Promise<void> {
    this.#next ??= delay(TOGETHER_MS).then(() => {
      this.#next = undefined;
    });
    return this.#next;
  }

  /** Another director may have made it a moment ago. */
  async #reservation(job: JobId): Promise<Reservation | undefined> {
    const { ledger } = this.#options;
    if (!ledger.state.isUsed(job)) await ledger.catchUp();
    return ledger.state.reservation(job);
  }

  async #input(account: Account, job: JobId): Promise<JobInput | undefined> {
    const { store, inputs } = this.#options;
    return inputs.take(job) ?? (await readAccepted(store, account, job))?.job.input;
  }
}

function endedOf(result: Result, writtenAt: number): Ended {
  const endedAt = isCutShort(result) ? result.endedAt : undefined;
  return { result, endedAt: endedAt ?? writtenAt };
}

const NOT_SETTLED = 'a result could not be settled';

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
