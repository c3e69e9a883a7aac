import { setTimeout as delay } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { decodeLarge } from '../bus/artifacts.ts';
import { faultPoint } from '../bus/fault-point.ts';
import { Following } from '../bus/following.ts';
import { provisionSettler } from '../bus/provision.ts';
import { type RecordStore, readResult } from '../bus/record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Reservation } from '../ledger/tables.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import type { Log } from '../protocol/log.ts';
import { type Result, recordSchema } from '../protocol/result.ts';
import type { JobInput } from '../protocol/sealed.ts';
import { resultJob, SETTLER, STREAMS } from '../protocol/subjects.ts';
import { readAccepted } from './accepted.ts';
import type { RecentInputs } from './recent-inputs.ts';
import { endingDraft, endingOf } from './settlement.ts';
import type { TokenCounter } from './token-counter.ts';

/** Before a result that could not be settled is looked at again, in milliseconds: twice as long each time. */
const RETRY_MS = { first: 1_000, most: 60_000 };
/** What ends within this time is written into the ledger together, in milliseconds: nobody waits for it. */
const TOGETHER_MS = 200;

export interface SettlerOptions {
  readonly store: RecordStore;
  readonly ledger: Ledger;
  readonly inputs: RecentInputs;
  readonly countTokens: TokenCounter;
  readonly log: Log;
}

/**
 * Ends the reservation of every job that has ended: pays its worker's owner, or gives the asker back what was held. Any
 * number of directors share the work, each result being a message of one consumer; done twice, the ledger takes it once.
 */
export class Settler implements AsyncDisposable {
  readonly #options: SettlerOptions;
  #following: Following | undefined;
  readonly #running = new Set<Promise<void>>();
  #next: Promise<void> | undefined;
  readonly #counts = { settled: 0, refunded: 0 };

  private constructor(options: SettlerOptions) {
    this.#options = options;
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

  /** Settles a job whose result stands, unless that was done. */
  async settle(account: Account, job: JobId): Promise<void> {
    const isOpen = (await this.#reservation(job)) !== undefined;
    const result = isOpen ? await readResult(this.#options.store, account, job) : undefined;
    if (result) await this.#end(account, job, result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#following?.[Symbol.asyncDispose]();
    await Promise.allSettled(this.#running);
  }

  #begin(message: JsMsg): void {
    const running = this.#take(message).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #take(message: JsMsg): Promise<void> {
    const { store, log } = this.#options;
    const of = resultJob(message.subject);
    try {
      const record = await decodeLarge(store.connection, recordSchema, message.data);
      if (of && record.ok && record.value.status !== 'claimed')
        await this.#end(of.account, of.job, record.value);
      message.ack();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ job: of?.job, reason }, 'a result could not be settled');
      message.nak(Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** (message.info.deliveryCount - 1)));
    }
  }

  async #end(account: Account, job: JobId, result: Result): Promise<void> {
    const { ledger, countTokens, log } = this.#options;
    const reservation = await this.#reservation(job);
    // One that was made for another account is not this result's to end.
    if (reservation?.account !== account) return;
    const input = result.status === 'done' ? await this.#input(account, job) : undefined;
    const ending = await endingOf(reservation, result, input, countTokens);
    await this.#together();
    faultPoint('before-settle');
    const added = await ledger.append((state) => {
      const draft = endingDraft(state, reservation, ending);
      return draft && [draft];
    });
    faultPoint('after-settle');
    // Another director was first.
    if (!added) return;
    this.#counts['paid' in ending ? 'settled' : 'refunded'] += 1;
    if ('why' in ending)
      log.warn({ job, account, reason: ending.why }, 'a job that is done was not paid for');
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
