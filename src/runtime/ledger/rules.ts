import {
  costOf,
  type MicroCredits,
  microCredits,
  NO_CREDITS,
  shareOf,
  type TokenCounts,
} from '../protocol/credits.ts';
import { dayOf } from './day.ts';
import {
  type Bucket,
  type EntryKind,
  type Holder,
  ISSUED,
  OPERATOR,
  type Posting,
  type StateDraft,
} from './entry.ts';
import { insufficient, refused } from './refusal.ts';
import type { LedgerState } from './state.ts';
import type { Reservation } from './tables.ts';

export interface EntryMoves {
  readonly draft: StateDraft;
  readonly postings: readonly Posting[];
}

type State = Pick<
  LedgerState,
  | 'n'
  | 'day'
  | 'policy'
  | 'balance'
  | 'reservation'
  | 'isUsed'
  | 'hadAllowance'
  | 'card'
  | 'teamOf'
  | 'dueRoot'
>;
type Rule<K extends EntryKind> = (
  state: State,
  draft: Extract<StateDraft, { kind: K }>,
  at: number,
) => readonly Posting[];

/** What each kind of entry needs, and what it moves. */
const RULES: { readonly [K in EntryKind]: Rule<K> } = {
  policy: () => [],
  price: () => [],
  issue: (state, { id, account, amount }) => {
    demandNew(state, id);
    return move(ISSUED, account, amount);
  },
  transfer: (state, { id, from, to, amount }) => {
    demandNew(state, id);
    if (from === to) throw refused(`${from} cannot transfer credits to itself.`);
    demandAvailable(state, from, amount, NO_CREDITS);
    return move(from, to, amount);
  },
  allowance: (state, { account, amount }) => {
    if (state.hadAllowance(account)) throw refused(`${account} has had its allowance.`);
    if (amount !== state.policy.policy.allowance) throw refused(`${amount} is not the policy's allowance.`);
    return move(ISSUED, account, amount);
  },
  reserve: (state, { job, account, amount, price }) => {
    demandNew(state, job);
    if (!state.card(price)) throw refused(`Entry ${price} sets no price.`);
    if (amount > 0) demandAvailable(state, account, amount, state.policy.policy.minimumBalance);
    return postings([account, 'available', -amount], [account, 'reserved', amount]);
  },
  settle: (state, draft) => {
    const { job, payTo, worker, receipt, counts, isOwn } = draft;
    const reservation = demandReservation(state, job);
    const { account, amount, model } = reservation;
    if (receipt.job !== job || receipt.worker !== worker || receipt.payTo !== payTo) {
      throw refused(`The receipt is not of job ${job}, its worker and who is paid.`);
    }
    if (model !== undefined && receipt.modelSha256 !== model) {
      throw refused(`Job ${job} was reserved for another model than the receipt's.`);
    }
    if (payTo === account && !isOwn) throw refused(`Job ${job} was done by its own account, which is free.`);
    const { pay, share, freed } = settlementOf(reservation, counts, isOwn);
    if (draft.pay !== pay || draft.share !== share || draft.freed !== freed) {
      throw refused(`Job ${job} comes to other amounts: ${pay} paid, ${share} shared, ${freed} freed.`);
    }
    return postings(
      [account, 'reserved', -amount],
      [account, 'available', freed],
      [payTo, 'available', pay],
      [OPERATOR, 'available', share],
    );
  },
  refund: (state, { job }) => {
    const { account, amount } = demandReservation(state, job);
    return postings([account, 'reserved', -amount], [account, 'available', amount]);
  },
  root: (state, { day, first, count, root }, at) => {
    const due = state.dueRoot(at);
    if (!due || due.day !== day || due.first !== first || due.count !== count || due.root !== root) {
      throw refused(`This is not the root of ${day}.`);
    }
    return [];
  },
  team: (state, { account, team }) => {
    if ((state.teamOf(account) ?? null) === team) throw refused(`${account} is there already.`);
    return [];
  },
};

/** @throws AipgError `ledger-refused`, `insufficient-credits` */
export function checkDraft(state: State, draft: StateDraft, at: number): readonly Posting[] {
  if (state.n === 0 && draft.kind !== 'policy') throw refused('The first entry of a ledger is its policy.');
  if (state.day !== undefined && draft.kind !== 'root' && dayOf(at) !== state.day) {
    throw refused(`The root of ${state.day} must be the first entry of ${dayOf(at)}.`);
  }
  const rule = RULES[draft.kind] as Rule<EntryKind>;
  const moved = rule(state, draft, at);
  for (const { account, bucket, amount } of moved) {
    // The sum of all balances stays a number that is exact.
    if (!Number.isSafeInteger(state.balance(account)[bucket] + amount)) {
      throw refused(`${account} cannot hold that many credits.`);
    }
  }
  return moved;
}

/** What a job comes to: nobody pays more than was reserved, and nobody pays for work of their own. */
export function settlementOf(
  { amount, rates, multiplier, operatorShare }: Reservation,
  counts: TokenCounts,
  isOwn: boolean,
): { readonly pay: MicroCredits; readonly share: MicroCredits; readonly freed: MicroCredits } {
  const cost = isOwn ? NO_CREDITS : least(costOf(counts, rates, multiplier), amount);
  const share = shareOf(cost, operatorShare);
  return { pay: microCredits(cost - share), share, freed: microCredits(amount - cost) };
}

function demandNew(state: State, id: Parameters<State['isUsed']>[0]): void {
  if (state.isUsed(id)) throw refused(`${id} is in the ledger already.`);
}

function demandReservation(state: State, job: Parameters<State['reservation']>[0]): Reservation {
  const reservation = state.reservation(job);
  if (reservation) return reservation;
  throw refused(`Job ${job} has no open reservation.`);
}

function demandAvailable(state: State, account: Holder, amount: MicroCredits, left: MicroCredits): void {
  const { available } = state.balance(account);
  if (available - amount < left) throw insufficient(account, available, amount, left);
}

function least(a: MicroCredits, b: MicroCredits): MicroCredits {
  return a < b ? a : b;
}

function move(from: Holder, to: Holder, amount: MicroCredits): readonly Posting[] {
  return postings([from, 'available', -amount], [to, 'available', amount]);
}

/** Without those of nothing; each account and bucket once. */
function postings(...sides: readonly (readonly [Holder, Bucket, number])[]): readonly Posting[] {
  const sums: Posting[] = [];
  for (const [account, bucket, amount] of sides) {
    const same = sums.findIndex((posting) => posting.account === account && posting.bucket === bucket);
    const before = sums[same]?.amount ?? 0;
    const posting = { account, bucket, amount: microCredits(before + amount) };
    if (same >= 0) sums[same] = posting;
    else sums.push(posting);
  }
  return sums.filter(({ amount }) => amount !== 0);
}
