import type { MicroCredits, Rates } from '../protocol/credits.ts';
import type { Account, JobId, Team } from '../protocol/ids.ts';
import type { Tier } from '../protocol/job.ts';
import type { ModelName, Sha256 } from '../protocol/model.ts';
import type { Holder } from './entry.ts';
import { LayeredMap } from './layered-map.ts';

export interface Balance {
  readonly available: MicroCredits;
  readonly reserved: MicroCredits;
}

/** Credits held for a job, and the terms that hold for it whatever changes meanwhile. */
export interface Reservation {
  readonly job: JobId;
  readonly account: Account;
  readonly amount: MicroCredits;
  readonly tier: Tier;
  /** The entry of the rates. */
  readonly price: number;
  readonly rates: Rates;
  /** Of the tier, in basis points. */
  readonly multiplier: number;
  /** The operator's, in basis points. */
  readonly operatorShare: number;
  /** The model that the rates are of; absent where they are the policy's for any. */
  readonly model: Sha256 | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The entry that made it. */
  readonly n: number;
}

/** A card of rates: of one model, or of a policy for any that has none. */
export interface RateCard {
  /** The entry that set it. */
  readonly n: number;
  readonly rates: Rates;
  readonly model: Sha256 | undefined;
  readonly name: ModelName | undefined;
  readonly basis: 'header' | 'set' | 'policy';
}

/** What the state of a ledger is made of. */
export class Tables {
  readonly balances: LayeredMap<Holder, Balance>;
  readonly reservations: LayeredMap<JobId, Reservation>;
  /** Jobs that were reserved for, issues and transfers, with the day of their use. */
  readonly used: LayeredMap<JobId, number>;
  readonly allowances: LayeredMap<Account, true>;
  /** By the entry that set them. */
  readonly cards: LayeredMap<number, RateCard>;
  readonly newestCards: LayeredMap<Sha256, RateCard>;
  readonly teams: LayeredMap<Account, Team>;

  /** @param below what these start from, and leave as it is */
  constructor(below?: Tables) {
    this.balances = new LayeredMap(below?.balances);
    this.reservations = new LayeredMap(below?.reservations);
    this.used = new LayeredMap(below?.used);
    this.allowances = new LayeredMap(below?.allowances);
    this.cards = new LayeredMap(below?.cards);
    this.newestCards = new LayeredMap(below?.newestCards);
    this.teams = new LayeredMap(below?.teams);
  }

  absorb(above: Tables): void {
    this.balances.absorb(above.balances);
    this.reservations.absorb(above.reservations);
    this.used.absorb(above.used);
    this.allowances.absorb(above.allowances);
    this.cards.absorb(above.cards);
    this.newestCards.absorb(above.newestCards);
    this.teams.absorb(above.teams);
  }
}
