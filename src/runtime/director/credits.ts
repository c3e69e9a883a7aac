import { hasLedger, openLedger, provisionLedger } from '../bus/ledger.ts';
import type { RecordStore } from '../bus/record.ts';
import { AccountBook } from '../ledger/account-book.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { Charges } from './charges.ts';
import { ledgerPrices, type PriceSource } from './price-source.ts';
import { RecentInputs } from './recent-inputs.ts';
import { Settler } from './settler.ts';
import { Sweep, type SweepTimes } from './sweep.ts';
import { countByIds, type TokenCounter } from './token-counter.ts';

export interface CreditsOptions {
  readonly store: RecordStore;
  readonly log: Log;
  /** Copies of the ledger's stream in a cluster. */
  readonly replicas?: number | undefined;
  readonly wanted?: boolean | undefined;
  readonly prices?: PriceSource | undefined;
  readonly countTokens?: TokenCounter | undefined;
  readonly sweepTimes?: SweepTimes | undefined;
  readonly partGraceMs?: number | undefined;
  readonly aloneMs?: number | undefined;
  readonly now: () => number;
}

/** All that a director does about credits. */
export class Credits implements AsyncDisposable {
  readonly ledger: Ledger;
  readonly book: AccountBook;
  readonly charges: Charges;
  readonly settler: Settler;
  readonly #sweep: Sweep;

  private constructor(ledger: Ledger, book: AccountBook, charges: Charges, settler: Settler, sweep: Sweep) {
    this.ledger = ledger;
    this.book = book;
    this.charges = charges;
    this.settler = settler;
    this.#sweep = sweep;
  }

  /**
   * `undefined` where credits are off: the grid has no ledger, and is to have none.
   * @throws AipgError `usage` when a grid that has a ledger is to be without
   */
  static async open(options: CreditsOptions): Promise<Credits | undefined> {
    const { store, log, replicas, wanted, prices = ledgerPrices, countTokens = countByIds, now } = options;
    const has = await hasLedger(store);
    if (has && wanted === false) throw keepsLedger();
    if (!has && wanted !== true) return undefined;
    await provisionLedger(store.manager, replicas);
    const { partGraceMs, aloneMs } = options;
    const book = new AccountBook();
    const ledger = await openLedger(store, { log, now, listeners: [book.listen], aloneMs });
    const inputs = new RecentInputs();
    const settler = await Settler.start({ store, ledger, inputs, countTokens, log, now, partGraceMs });
    const sweep = new Sweep({ store, ledger, settler, log, now, times: options.sweepTimes });
    return new Credits(ledger, book, new Charges(ledger, prices, inputs), settler, sweep);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweep[Symbol.dispose]();
    await this.settler[Symbol.asyncDispose]();
    await this.ledger[Symbol.asyncDispose]();
  }
}

function keepsLedger(): AipgError {
  return new AipgError('usage', 'This grid has a ledger, which it keeps: jobs on it are paid for.', {
    hint: 'Start without --no-credits; for a grid where jobs are free, set its prices to 0.',
  });
}
