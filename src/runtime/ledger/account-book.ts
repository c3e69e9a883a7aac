import { type MicroCredits, microCredits, NO_CREDITS } from '../protocol/credits.ts';
import type { Account, JobId, Team } from '../protocol/ids.ts';
import type { Sha256 } from '../protocol/model.ts';
import { DayHashes } from './day-hashes.ts';
import type { Entry, EntryOf } from './entry.ts';
import type { EntryListener } from './ledger.ts';

const HOUR_MS = 60 * 60 * 1_000;
/** Earnings are known by the hour for this long, in hours. */
const KEPT_HOURS = 8 * 24;

/** Work that was settled. */
export interface Work {
  readonly jobs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly earned: MicroCredits;
}

/** What an account, or all of a team, has asked for and done since the ledger began. */
export interface Totals {
  readonly served: Work;
  readonly asked: { readonly jobs: number; readonly spent: MicroCredits };
}

export const NO_WORK: Work = { jobs: 0, inputTokens: 0, outputTokens: 0, earned: NO_CREDITS };
export const NO_TOTALS: Totals = { served: NO_WORK, asked: { jobs: 0, spent: NO_CREDITS } };

/** What one hour brought, by model. */
type Hour = Map<Sha256, Work>;

/** What directors are asked of accounts, gathered as entries come: it holds places and sums, no entries. */
export class AccountBook {
  readonly days = new DayHashes();
  /** The first entry of each message, and its sequence. */
  readonly #messages: { readonly n: number; readonly sequence: number }[] = [];
  readonly #places = new Map<Account, number[]>();
  readonly #hours = new Map<Account, Map<number, Hour>>();
  readonly #totals = new Map<Account, Totals>();
  readonly #teams = new Map<Team, Totals>();
  readonly #teamOf = new Map<Account, Team>();
  /** Whose open reservations are. */
  readonly #askers = new Map<JobId, Account>();

  readonly listen: EntryListener = (entries, sequence) => {
    const [first] = entries;
    if (first) this.#messages.push({ n: first.n, sequence });
    for (const entry of entries) this.#add(entry);
  };

  /** The sequence of the message that holds an entry. */
  sequenceOf(n: number): number | undefined {
    let [low, high] = [0, this.#messages.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#messages[middle]?.n ?? 0) <= n) low = middle + 1;
      else high = middle;
    }
    return this.#messages[low - 1]?.sequence;
  }

  /** The numbers of the entries that an account has a part in, before one of them, the newest first. */
  placesOf(account: Account, before: number, limit: number): number[] {
    const places = this.#places.get(account) ?? [];
    const found = places.findLastIndex((n) => n < before);
    return places.slice(Math.max(0, found + 1 - limit), found + 1).reverse();
  }

  /** Whether any entry has an account in it. */
  knows(account: Account): boolean {
    return this.#places.has(account);
  }

  /** What was earned in each hour from one on, the oldest first. @param since milliseconds since 1970 */
  hoursOf(
    account: Account,
    since: number,
  ): { readonly at: number; readonly models: ReadonlyMap<Sha256, Work> }[] {
    const hours = [...(this.#hours.get(account) ?? [])];
    return hours.map(([hour, models]) => ({ at: hour * HOUR_MS, models })).filter(({ at }) => at >= since);
  }

  totalsOf(account: Account): Totals {
    return this.#totals.get(account) ?? NO_TOTALS;
  }

  /** With the count of those who are in it now. */
  teams(): { readonly team: Team; readonly members: number; readonly totals: Totals }[] {
    const members = new Map<Team, number>();
    for (const team of this.#teamOf.values()) members.set(team, (members.get(team) ?? 0) + 1);
    const names = new Set([...this.#teams.keys(), ...members.keys()]);
    return [...names].map((team) => ({
      team,
      members: members.get(team) ?? 0,
      totals: this.#teams.get(team) ?? NO_TOTALS,
    }));
  }

  #add(entry: Entry): void {
    this.days.add(entry);
    for (const account of partiesOf(entry, this.#askers)) {
      const places = this.#places.get(account);
      if (places) places.push(entry.n);
      else this.#places.set(account, [entry.n]);
    }
    if (entry.kind === 'reserve') this.#askers.set(entry.job, entry.account);
    else if (entry.kind === 'settle') this.#settle(entry);
    else if (entry.kind === 'team') {
      if (entry.team === null) this.#teamOf.delete(entry.account);
      else this.#teamOf.set(entry.account, entry.team);
    }
    if (entry.kind === 'settle' || entry.kind === 'refund') this.#askers.delete(entry.job);
  }

  #settle({ at, job, payTo, counts, pay, share, receipt }: EntryOf<'settle'>): void {
    const done: Work = { jobs: 1, ...counts, earned: pay };
    const asker = this.#askers.get(job);
    const hours = this.#hours.get(payTo) ?? new Map<number, Hour>();
    this.#hours.set(payTo, hours);
    const now = Math.floor(at / HOUR_MS);
    const hour: Hour = hours.get(now) ?? new Map();
    hours.set(now, hour);
    hour.set(receipt.modelSha256, addWork(hour.get(receipt.modelSha256) ?? NO_WORK, done));
    for (const old of hours.keys()) if (old < now - KEPT_HOURS) hours.delete(old);
    this.#count(payTo, { ...NO_TOTALS, served: done });
    if (asker) {
      this.#count(asker, { ...NO_TOTALS, asked: { jobs: 1, spent: microCredits(pay + share) } });
    }
  }

  /** For the account, and for the team that it is in at that time. */
  #count(account: Account, more: Totals): void {
    this.#totals.set(account, addTotals(this.totalsOf(account), more));
    const team = this.#teamOf.get(account);
    if (team) this.#teams.set(team, addTotals(this.#teams.get(team) ?? NO_TOTALS, more));
  }
}

export function addWork(a: Work, b: Work): Work {
  return {
    jobs: a.jobs + b.jobs,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    earned: microCredits(a.earned + b.earned),
  };
}

function addTotals(a: Totals, b: Totals): Totals {
  return {
    served: addWork(a.served, b.served),
    asked: { jobs: a.asked.jobs + b.asked.jobs, spent: microCredits(a.asked.spent + b.asked.spent) },
  };
}

function partiesOf(entry: Entry, askers: ReadonlyMap<JobId, Account>): ReadonlySet<Account> {
  switch (entry.kind) {
    case 'issue':
    case 'allowance':
    case 'reserve':
    case 'team':
      return new Set([entry.account]);
    case 'transfer':
      return new Set([entry.from, entry.to]);
    case 'settle':
    case 'refund': {
      const asker = askers.get(entry.job);
      return new Set([...(asker ? [asker] : []), ...(entry.kind === 'settle' ? [entry.payTo] : [])]);
    }
    default:
      return new Set();
  }
}
