import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { askDirector } from '../bus/ask-director.ts';
import { memberOf, needsDirector } from '../bus/identity.ts';
import { followLedger } from '../bus/ledger.ts';
import { balanceSchema, earningsSchema, ledgerReplySchema } from '../ledger/requests.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import { pricesReplySchema } from '../protocol/prices.ts';
import type { EarningsView } from './grid-snapshot.ts';
import type { GridEvent } from './grid-state.ts';
import { type LedgerNews, readLedgerNews, receiptOf, receiptsOf } from './ledger-news.ts';

/** Between two questions, while the ledger changes, in milliseconds. */
const ASK_MS = 1_000;
/** While the earnings are shown, they are asked for again after this long: where the ledger tells of changes, in milliseconds. */
const REFRESH_MS = 60_000;
/** And where it does not: to a key that may not read it, or where there is none yet. */
const UNTOLD_MS = 15_000;
/** The account's newest entries, in which receipts are looked for. */
const ENTRIES = 100;

export interface CreditsWatchOptions {
  /** Stays the caller's. */
  readonly connection: NatsConnection;
  /** Whose earnings are told. */
  readonly account: Account;
  readonly apply: (event: GridEvent) => void;
  readonly now: () => number;
}

/**
 * Prices, earnings and receipts for a watcher. The ledger's stream pushes that something has changed; what it comes to, a
 * director is asked, and for the earnings only while somebody looks at them.
 */
export class CreditsWatch implements AsyncDisposable {
  readonly #options: CreditsWatchOptions;
  #manager: JetStreamManager | undefined;
  #ledger: AsyncDisposable | undefined;
  #isShown = false;
  /** What is to be asked. */
  #stale = NOTHING;
  /** What no director has answered: asked again with the next change, or the next refresh. */
  #unanswered = NOTHING;
  #hasReceipts = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #next: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CreditsWatchOptions) {
    this.#options = options;
  }

  /** Of a new or mended connection: what has changed meanwhile is not known. */
  async begin(): Promise<void> {
    const { connection, apply } = this.#options;
    if (memberOf(connection)?.role === 'monitor') {
      apply({ type: 'earnings', earnings: REFUSED });
      return;
    }
    if (!needsDirector(connection) && !this.#ledger) {
      this.#manager ??= await jetstreamManager(connection);
      const ledger = await followLedger({ connection, manager: this.#manager }, ({ data }) =>
        this.#take(readLedgerNews(data)),
      );
      if (this.#closed) return await ledger?.[Symbol.asyncDispose]();
      this.#ledger = ledger;
      this.#setRefresh();
      if (!ledger) {
        apply({ type: 'earnings', earnings: { state: 'free' } });
        apply({ type: 'prices', prices: { prices: [], otherwise: null } });
        return;
      }
    }
    // Who sees no models needs no price of theirs.
    this.#stale = { earnings: true, prices: !needsDirector(connection) };
    await this.#ask();
  }

  /** Whether somebody looks at the earnings. */
  show(isShown: boolean): void {
    if (isShown === this.#isShown || this.#closed) return;
    this.#isShown = isShown;
    this.#setRefresh();
    if (isShown && this.#isFollowing) this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#next);
    clearInterval(this.#refresh);
    await this.#ledger?.[Symbol.asyncDispose]();
  }

  #setRefresh(): void {
    clearInterval(this.#refresh);
    if (!this.#isShown) return;
    // Figures such as the mean of a day change by the clock alone.
    this.#refresh = setInterval(() => this.#again(), this.#ledger ? REFRESH_MS : UNTOLD_MS);
  }

  #again(): void {
    if (!this.#isFollowing) return void this.begin().catch(() => undefined);
    this.#stale = { ...either(this.#stale, this.#unanswered), earnings: true };
    this.#unanswered = NOTHING;
    this.#schedule();
  }

  /** Whether there is a ledger to ask of, as far as is known. */
  get #isFollowing(): boolean {
    return this.#ledger !== undefined || needsDirector(this.#options.connection);
  }

  #take(news: LedgerNews): void {
    const { account, apply } = this.#options;
    const { settled } = news;
    if (settled.length > 0) {
      apply({
        type: 'settled',
        paid: settled.map(({ worker, pay }) => ({ worker, amount: pay })),
        receipts: settled.filter(({ payTo }) => payTo === account).map(receiptOf),
      });
    }
    const changed = { prices: news.changesPrices, earnings: news.changesAccount(account) };
    this.#stale = either(either(this.#stale, this.#unanswered), changed);
    this.#unanswered = NOTHING;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed || this.#next || this.#asking || !this.#wants) return;
    const wait = Math.max(0, this.#askedAt + ASK_MS - performance.now());
    this.#next = setTimeout(() => {
      this.#next = undefined;
      void this.#ask();
    }, wait);
  }

  get #wants(): boolean {
    return this.#stale.prices || (this.#stale.earnings && this.#isShown);
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
      this.#schedule();
    });
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    this.#askedAt = performance.now();
    const asked = { ...this.#stale, earnings: this.#stale.earnings && this.#isShown };
    this.#stale = { prices: false, earnings: this.#stale.earnings && !this.#isShown };
    const [hasPrices, hasEarnings] = await Promise.all([
      !asked.prices || this.#askPrices(),
      !asked.earnings || this.#askEarnings(),
    ]);
    this.#unanswered = either(this.#unanswered, { prices: !hasPrices, earnings: !hasEarnings });
  }

  /** @returns whether it was answered */
  async #askPrices(): Promise<boolean> {
    const { connection, account, apply } = this.#options;
    const prices = await askDirector(connection, account, 'prices', {}, pricesReplySchema).catch(
      () => undefined,
    );
    if (prices && !this.#closed) apply({ type: 'prices', prices });
    return prices !== undefined;
  }

  /** @returns whether it was answered */
  async #askEarnings(): Promise<boolean> {
    const view = await this.#readEarnings().catch(refusalOf);
    if (view && !this.#closed) this.#options.apply({ type: 'earnings', earnings: view });
    return view !== undefined;
  }

  async #readEarnings(): Promise<EarningsView | undefined> {
    const { connection, account, now } = this.#options;
    // Later ones come by themselves where the ledger is followed.
    const follows = this.#hasReceipts && this.#ledger !== undefined;
    const [earnings, balance, ledger] = await Promise.all([
      askDirector(connection, account, 'earnings', {}, earningsSchema),
      askDirector(connection, account, 'balance', {}, balanceSchema),
      follows
        ? { entries: [] }
        : askDirector(connection, account, 'ledger', { limit: ENTRIES }, ledgerReplySchema),
    ]);
    if (!earnings || !balance || !ledger) return undefined;
    this.#hasReceipts = true;
    const { available, reserved } = balance;
    const receipts = receiptsOf(ledger.entries, account);
    return { state: 'known', asOf: now(), ...earnings, available, reserved, receipts };
  }
}

const REFUSED: EarningsView = {
  state: 'refused',
  reason: 'This grid knows you by the key of a monitor, which has no credits and earns none.',
};

/** What there is to ask. */
interface Questions {
  readonly earnings: boolean;
  readonly prices: boolean;
}

const NOTHING: Questions = { earnings: false, prices: false };

function either(a: Questions, b: Questions): Questions {
  return { earnings: a.earnings || b.earnings, prices: a.prices || b.prices };
}

function refusalOf(error: unknown): EarningsView | undefined {
  if (!(error instanceof AipgError)) return undefined;
  if (error.code === 'job-refused') return { state: 'free' };
  return { state: 'refused', reason: error.message };
}
