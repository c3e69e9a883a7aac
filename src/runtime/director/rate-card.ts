import type { Roster, RosterChange } from '../bus/roster.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerView } from '../ledger/state.ts';
import type { Rates } from '../protocol/credits.ts';
import type { Log } from '../protocol/log.ts';
import type { ModelName, Sha256 } from '../protocol/model.ts';

/** What the director's own machine knows of a file; `undefined` where it does not have it. */
export type MeasureModel = (
  sha256: Sha256,
) => Promise<{ readonly name: ModelName; readonly rates: Rates } | undefined>;

/** A file that is not here is looked for again after this long, in milliseconds: it may have been pulled. */
const AGAIN_MS = 60_000;
/** Most files that are remembered as looked for: a worker can claim any. */
const MOST_REMEMBERED = 1_000;

export interface RateCardOptions {
  readonly roster: Roster;
  readonly ledger: Pick<Ledger, 'state' | 'append'>;
  readonly measure: MeasureModel;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Sees to it that every model that is served has a price: where the ledger has none, and this machine has the file, what
 * its header implies, under the name that the file has here. What a worker calls it has no part in it.
 */
export class RateCardKeeper {
  readonly #options: RateCardOptions;
  readonly #looked = new Map<Sha256, number>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: RateCardOptions) {
    this.#options = options;
    for (const { models } of options.roster.workers()) this.#lookAt(models);
  }

  /** Of the roster: a worker may have brought a model. */
  observe(change: RosterChange): void {
    if (change.type === 'heartbeat') this.#lookAt(change.heartbeat.models);
  }

  /** Resolves when nothing is being measured. */
  idle(): Promise<void> {
    return this.#work;
  }

  #lookAt(models: readonly { readonly sha256: Sha256 }[]): void {
    const { ledger, now } = this.#options;
    for (const { sha256 } of models) {
      const last = this.#looked.get(sha256);
      if (hasPrice(ledger.state, sha256) || (last !== undefined && now() - last < AGAIN_MS)) continue;
      if (this.#looked.size >= MOST_REMEMBERED) this.#looked.clear();
      this.#looked.set(sha256, now());
      this.#work = this.#work.then(() => this.#price(sha256));
    }
  }

  async #price(model: Sha256): Promise<void> {
    const { ledger, measure, log } = this.#options;
    try {
      const measured = await measure(model);
      if (measured === undefined) return;
      const { name, rates } = measured;
      const added = await ledger.append((state) =>
        hasPrice(state, model) || this.#isTaken(state, name)
          ? undefined
          : [{ kind: 'price', model, name, rates, basis: 'header' }],
      );
      if (added) log.info({ model: name, modelSha256: model, ...rates }, 'price measured');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ modelSha256: model, reason }, 'a model could not be priced');
    }
  }

  /** Whether another file by this name has a price and is still served: it is the one that is paid for. */
  #isTaken(state: LedgerView, name: ModelName): boolean {
    const served = new Set(
      this.#options.roster.workers().flatMap(({ models }) => models.map(({ sha256 }) => sha256)),
    );
    for (const [sha256, card] of state.cards()) if (card.name === name && served.has(sha256)) return true;
    return false;
  }
}

function hasPrice(state: LedgerView, model: Sha256): boolean {
  for (const [priced] of state.cards()) if (priced === model) return true;
  return false;
}
