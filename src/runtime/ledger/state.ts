import { NO_CREDITS } from '../protocol/credits.ts';
import type { Account, JobId, Team } from '../protocol/ids.ts';
import type { Sha256 } from '../protocol/model.ts';
import type { Policy } from '../protocol/policy.ts';
import { dayOf } from './day.ts';
import { type DraftOf, type Holder, NO_HASH, type StateEntry } from './entry.ts';
import { MerkleTree } from './merkle.ts';
import { refused } from './refusal.ts';
import { checkDraft, type EntryMoves } from './rules.ts';
import { type Balance, type RateCard, type Reservation, Tables } from './tables.ts';

export type { Balance, RateCard, Reservation } from './tables.ts';

/** How long an id cannot be used again, in days: as long as results are kept, so that every repeat is known as one. */
const ID_DAYS = 7;

/** What can be asked of the ledger as it stands. */
export type LedgerView = Pick<
  LedgerState,
  | 'n'
  | 'at'
  | 'hash'
  | 'day'
  | 'policy'
  | 'balance'
  | 'balances'
  | 'reservation'
  | 'reservations'
  | 'isUsed'
  | 'hadAllowance'
  | 'card'
  | 'cardFor'
  | 'cards'
  | 'teamOf'
  | 'teams'
  | 'dueRoot'
>;

/**
 * What all entries up to one come to. Every reader that takes the same entries has the same state, and none takes an
 * entry that breaks a rule.
 */
export class LedgerState {
  readonly #below: LedgerState | undefined;
  #n = 0;
  #hash: string = NO_HASH;
  #at = 0;
  #day: string | undefined;
  #dayFirst = 1;
  #tree = new MerkleTree();
  #policy: { readonly n: number; readonly policy: Policy } | undefined;
  readonly #tables: Tables;

  /** @param below a state to start from, which is left as it is: see {@link LedgerState.fork} */
  private constructor(below?: LedgerState) {
    this.#below = below;
    this.#tables = new Tables(below ? below.#tables : undefined);
    if (below) this.#takePlace(below);
  }

  /** Of a ledger without entries. */
  static empty(): LedgerState {
    return new LedgerState();
  }

  /** A state that goes on from here by itself, to try what may not come to be; {@link merge} brings it back. */
  fork(): LedgerState {
    return new LedgerState(this);
  }

  /** Takes over what a fork of this state has become. This state must not have changed since. */
  merge(fork: LedgerState): void {
    if (fork.#below !== this) throw new Error('Only a fork of this state can be merged into it.');
    this.#tables.absorb(fork.#tables);
    this.#takePlace(fork);
    this.#forgetOldIds();
  }

  /** The number of the last entry; 0 before the first. */
  get n(): number {
    return this.#n;
  }

  /** Of the last entry. */
  get hash(): string {
    return this.#hash;
  }

  /** When the last entry was made, in milliseconds since 1970. */
  get at(): number {
    return this.#at;
  }

  /** The UTC day of the last entry. */
  get day(): string | undefined {
    return this.#day;
  }

  /** The policy in force, and the entry that set it. @throws AipgError before the first entry */
  get policy(): { readonly n: number; readonly policy: Policy } {
    if (this.#policy) return this.#policy;
    throw refused('The ledger has no policy yet: it must be the first entry.');
  }

  balance(holder: Holder): Balance {
    return this.#tables.balances.get(holder) ?? NOTHING;
  }

  /** Of all that ever had credits. */
  balances(): Iterable<[Holder, Balance]> {
    return this.#tables.balances.entries();
  }

  reservation(job: JobId): Reservation | undefined {
    return this.#tables.reservations.get(job);
  }

  /** All that are open. */
  reservations(): Iterable<[JobId, Reservation]> {
    return this.#tables.reservations.entries();
  }

  /** Whether a job was reserved for, or an issue or transfer made, under this id in the last days, or is reserved for still. */
  isUsed(id: JobId): boolean {
    if (this.#tables.reservations.has(id)) return true;
    const day = this.#tables.used.get(id);
    return day !== undefined && dayNumber(this.#at) - day <= ID_DAYS;
  }

  hadAllowance(account: Account): boolean {
    return this.#tables.allowances.has(account);
  }

  /** The rates that an entry set: a price, or a policy. */
  card(n: number): RateCard | undefined {
    return this.#tables.cards.get(n);
  }

  /** The rates of a model that hold now: its own, or the policy's. */
  cardFor(model: Sha256 | undefined): RateCard {
    const own = model === undefined ? undefined : this.#tables.newestCards.get(model);
    const card = own ?? this.#tables.cards.get(this.policy.n);
    if (card) return card;
    throw refused('The ledger has no rates.');
  }

  /** The newest card of each model. */
  cards(): Iterable<[Sha256, RateCard]> {
    return this.#tables.newestCards.entries();
  }

  teamOf(account: Account): Team | undefined {
    return this.#tables.teams.get(account);
  }

  teams(): Iterable<[Account, Team]> {
    return this.#tables.teams.entries();
  }

  /** The root that must be the next entry when the next entry is of a later day. */
  dueRoot(at: number): DraftOf<'root'> | undefined {
    if (this.#day === undefined || dayOf(Math.max(at, this.#at)) === this.#day) return undefined;
    const { size: count } = this.#tree;
    return { kind: 'root', day: this.#day, first: this.#dayFirst, count, root: this.#tree.root() as Sha256 };
  }

  /**
   * What an entry would move here. @throws AipgError `ledger-refused`, `insufficient-credits` when a rule forbids it
   */
  moves(draft: EntryMoves['draft'], at: number): EntryMoves['postings'] {
    return checkDraft(this, draft, at);
  }

  /** Takes the next entry. Its hash is not looked at: see `readEntry`. @throws AipgError as {@link moves} does */
  apply(entry: StateEntry): void {
    if (entry.n !== this.#n + 1) throw refused(`Entry ${entry.n} cannot follow entry ${this.#n}.`);
    if (entry.prev !== this.#hash)
      throw refused(`Entry ${entry.n} does not name the hash of the one before.`);
    if (entry.at < this.#at) throw refused(`Entry ${entry.n} is older than the one before.`);
    const postings = checkDraft(this, entry, entry.at);
    if (!isSame(postings, entry.postings)) throw refused(`Entry ${entry.n} moves what its kind does not.`);
    this.#moveTo(entry);
    for (const { account, bucket, amount } of postings) {
      const before = this.balance(account);
      this.#tables.balances.set(account, { ...before, [bucket]: before[bucket] + amount });
    }
    this.#note(entry);
  }

  #moveTo({ n, hash, at }: StateEntry): void {
    const day = dayOf(at);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayFirst = n;
      this.#tree = new MerkleTree();
      if (!this.#below) this.#forgetOldIds();
    }
    this.#n = n;
    this.#hash = hash;
    this.#at = at;
    this.#tree.add(hash);
  }

  #note(entry: StateEntry): void {
    const { n, at } = entry;
    switch (entry.kind) {
      case 'policy':
        this.#policy = { n, policy: entry.policy };
        this.#tables.cards.set(n, {
          n,
          rates: entry.policy.rates,
          model: undefined,
          name: undefined,
          basis: 'policy',
        });
        break;
      case 'price': {
        const { rates, model, name, basis } = entry;
        const card = { n, rates, model, name, basis };
        this.#tables.cards.set(n, card);
        this.#tables.newestCards.set(model, card);
        break;
      }
      case 'issue':
      case 'transfer':
        this.#tables.used.set(entry.id, dayNumber(at));
        break;
      case 'allowance':
        this.#tables.allowances.set(entry.account, true);
        break;
      case 'reserve': {
        const { job, account, amount, tier, price } = entry;
        const { policy } = this.policy;
        const card = this.#tables.cards.get(price);
        if (!card) throw new Error(`There is no card ${price}.`);
        this.#tables.used.set(job, dayNumber(at));
        this.#tables.reservations.set(job, {
          job,
          account,
          amount,
          tier,
          price,
          rates: card.rates,
          multiplier: policy.tiers[tier],
          operatorShare: policy.operatorShare,
          model: card.model,
          at,
          n,
        });
        break;
      }
      case 'settle':
      case 'refund':
        this.#tables.reservations.delete(entry.job);
        break;
      case 'team':
        if (entry.team === null) this.#tables.teams.delete(entry.account);
        else this.#tables.teams.set(entry.account, entry.team);
        break;
      case 'root':
        break;
    }
  }

  #takePlace(other: LedgerState): void {
    this.#n = other.#n;
    this.#hash = other.#hash;
    this.#at = other.#at;
    this.#day = other.#day;
    this.#dayFirst = other.#dayFirst;
    this.#tree = other.#tree.copy();
    this.#policy = other.#policy;
  }

  #forgetOldIds(): void {
    if (this.#below) return;
    const today = dayNumber(this.#at);
    this.#tables.used.dropOldest((day) => today - day > ID_DAYS);
  }
}

const NOTHING: Balance = { available: NO_CREDITS, reserved: NO_CREDITS };

function dayNumber(at: number): number {
  return Math.floor(at / 86_400_000);
}

function isSame(expected: EntryMoves['postings'], found: EntryMoves['postings']): boolean {
  return (
    expected.length === found.length &&
    expected.every((posting, i) => {
      const other = found[i];
      return (
        posting.account === other?.account &&
        posting.bucket === other.bucket &&
        posting.amount === other.amount
      );
    })
  );
}
