import { setTimeout as delay } from 'node:timers/promises';
import type { Subscription } from '@nats-io/transport-node';
import { Reconnects } from '../bus/reconnects.ts';
import { STREAMS, streamCreated } from '../protocol/subjects.ts';
import { Credits, type CreditsOptions } from './credits.ts';

/** Before a ledger that could not be opened is tried again, in milliseconds. */
const RETRY_MS = 1_000;

export interface SwitchOptions extends CreditsOptions {
  /** Called once, when credits are on. */
  readonly onOpen?: ((credits: Credits) => void) | undefined;
}

/**
 * The credits of a grid: off while it has no ledger, on from the moment when it has one, whichever director made it. The
 * bus tells of a new stream; what was made while it was out of reach is looked for when it is back.
 */
export class CreditsSwitch implements AsyncDisposable {
  readonly #options: SwitchOptions;
  readonly #news: Subscription;
  readonly #unlisten: () => void;
  readonly #stopped = new AbortController();
  #credits: Credits | undefined;
  #opening: Promise<void>;

  private constructor(options: SwitchOptions) {
    const { connection } = options.store;
    this.#options = options;
    this.#opening = this.#open(options);
    this.#news = connection.subscribe(streamCreated(STREAMS.ledger), {
      callback: (error) => {
        if (!error) this.#look();
      },
    });
    this.#unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') this.#look();
    });
  }

  /** @throws AipgError `usage` when a grid that has a ledger is to be without */
  static async start(options: SwitchOptions): Promise<CreditsSwitch> {
    const credits = new CreditsSwitch(options);
    try {
      await credits.#opening;
      return credits;
    } catch (error) {
      credits.#stop();
      throw error;
    }
  }

  /** `undefined` while credits are off. */
  get current(): Credits | undefined {
    return this.#credits;
  }

  /** The same, after a ledger that has just appeared is open: nothing is done for free on a grid that has one. */
  async settled(): Promise<Credits | undefined> {
    await this.#opening;
    return this.#credits;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#opening.catch(() => undefined);
    await this.#credits?.[Symbol.asyncDispose]();
  }

  #stop(): void {
    this.#stopped.abort();
    this.#unlisten();
    this.#news.unsubscribe();
  }

  async #open(options: SwitchOptions): Promise<void> {
    this.#credits = await Credits.open(options);
    if (this.#credits) options.onOpen?.(this.#credits);
  }

  #look(): void {
    this.#opening = this.#opening.then(() => this.#takeUp());
  }

  async #takeUp(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#stopped;
    while (!this.#credits && !signal.aborted) {
      try {
        // A ledger that is there is kept, whatever this director was started with.
        await this.#open({ ...this.#options, wanted: undefined });
        if (this.#credits) log.info({}, 'the grid has a ledger now: jobs are paid for');
        return;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        log.warn({ reason }, 'the ledger could not be opened');
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
