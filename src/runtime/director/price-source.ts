import type { LedgerView } from '../ledger/state.ts';
import type { RateCard } from '../ledger/tables.ts';
import type { ModelName } from '../protocol/model.ts';

/** Where the rates of a job come from when it is accepted. */
export interface PriceSource {
  /** @param model the name under which the grid serves it */
  cardFor(state: LedgerView, model: ModelName): RateCard;
}

/**
 * The newest price that the ledger has for a model of that name, and with it the one file that is paid for; else the
 * policy's rates, for any file. What a worker says of itself has no part in it.
 */
export const ledgerPrices: PriceSource = {
  cardFor: (state, model) => {
    let newest: RateCard | undefined;
    for (const [, card] of state.cards()) {
      if (card.name === model && card.n > (newest?.n ?? 0)) newest = card;
    }
    return newest ?? state.cardFor(undefined);
  },
};
