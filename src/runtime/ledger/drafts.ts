import { costOf, type MicroCredits, type TokenCounts } from '../protocol/credits.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import type { Tier } from '../protocol/job.ts';
import type { Sha256 } from '../protocol/model.ts';
import { type Policy, policySchema } from '../protocol/policy.ts';
import { type Receipt, receiptHash } from '../protocol/receipt.ts';
import type { Counted, DraftOf, EntryDraft } from './entry.ts';
import { refused } from './refusal.ts';
import { settlementOf } from './rules.ts';
import type { LedgerView } from './state.ts';

/** Of a new ledger, until its operator decides otherwise. */
export const DEFAULT_POLICY: Policy = policySchema.parse({
  allowance: 10_000_000,
  minimumBalance: 0,
  operatorShare: 500,
  tiers: { priority: 20_000, standard: 10_000, bulk: 5_000 },
  rates: { input: 100_000, output: 400_000 },
});

export interface JobTerms {
  readonly job: JobId;
  readonly account: Account;
  readonly tier: Tier;
  /** The file that is to serve it, where it is known. */
  readonly model: Sha256 | undefined;
  /** The most that it can come to. */
  readonly most: TokenCounts;
}

export interface Quote {
  /** The most that the job can cost. */
  readonly amount: MicroCredits;
  /** The entry of the rates. */
  readonly price: number;
}

/** What a job would be reserved for now. */
export function quoteJob(state: LedgerView, { tier, model, most }: Omit<JobTerms, 'job' | 'account'>): Quote {
  const { n: price, rates } = state.cardFor(model);
  return { amount: costOf(most, rates, state.policy.policy.tiers[tier]), price };
}

/** Reserves for a job at the rates of now, after the allowance of an account that is new. */
export function reserveDrafts(state: LedgerView, terms: JobTerms): EntryDraft[] {
  const { job, account, tier } = terms;
  const { amount, price } = quoteJob(state, terms);
  return [...allowanceDrafts(state, account), { kind: 'reserve', job, account, amount, tier, price }];
}

/** The allowance, for an account that has had none. */
export function allowanceDrafts(state: LedgerView, account: Account): DraftOf<'allowance'>[] {
  const amount = state.policy.policy.allowance;
  return amount === 0 || state.hadAllowance(account) ? [] : [{ kind: 'allowance', account, amount }];
}

export interface Settlement {
  /** Its signature has been checked, and that its worker had the job. */
  readonly receipt: Receipt;
  readonly counts: TokenCounts;
  readonly counted: Counted;
  /** Asker and worker have the same owner. One account that does its own work always is. */
  readonly isOwn?: boolean;
}

/** Settles a job that is reserved for. @throws AipgError `ledger-refused` when it is not, or not any more */
export function settleDraft(
  state: LedgerView,
  { receipt, counts, counted, isOwn = false }: Settlement,
): DraftOf<'settle'> {
  const { job, payTo, worker } = receipt;
  const reservation = state.reservation(job);
  if (!reservation) throw refused(`Job ${job} has no open reservation.`);
  const own = isOwn || payTo === reservation.account;
  return {
    kind: 'settle',
    job,
    payTo,
    worker,
    receipt,
    receiptSha256: receiptHash(receipt),
    counts,
    counted,
    isOwn: own,
    ...settlementOf(reservation, counts, own),
  };
}
