import { DEFAULT_POLICY, settleDraft } from '../../../src/runtime/ledger/drafts.ts';
import type { DraftOf, Entry, EntryDraft } from '../../../src/runtime/ledger/entry.ts';
import { sealEntries } from '../../../src/runtime/ledger/seal.ts';
import { LedgerState, type LedgerView } from '../../../src/runtime/ledger/state.ts';
import { microCreditsSchema, type TokenCounts } from '../../../src/runtime/protocol/credits.ts';
import { type Account, accountSchema, type JobId, newJobId } from '../../../src/runtime/protocol/ids.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { type Receipt, workerReceipt } from './receipts.ts';

export const NOON = Date.UTC(2026, 10, 21, 12);
export const DAY_MS = 24 * 60 * 60 * 1_000;
export const MODEL = sha256Schema.parse('ab'.repeat(32));

export const [alice, bob, erin] = ['alice', 'bob', 'erin'].map((name) => accountSchema.parse(name)) as [
  Account,
  Account,
  Account,
];

export const micro = (amount: number) => microCreditsSchema.parse(amount);

export function issue(account: Account, amount: number): DraftOf<'issue'> {
  return { kind: 'issue', id: newJobId(), account, amount: micro(amount) };
}

export function transfer(from: Account, to: Account, amount: number): DraftOf<'transfer'> {
  return { kind: 'transfer', id: newJobId(), from, to, amount: micro(amount) };
}

export function reserve(account: Account, amount: number, job = newJobId(), price = 1): DraftOf<'reserve'> {
  return { kind: 'reserve', job, account, amount: micro(amount), tier: 'standard', price };
}

export function receiptOf(job: JobId, payTo: Account = erin, modelSha256 = MODEL): Receipt {
  return workerReceipt({ job, payTo, modelSha256 });
}

/** A ledger of a test's own, in memory. */
export class TestLedger {
  readonly state = LedgerState.empty();
  readonly entries: Entry[] = [];
  at = NOON;

  constructor() {
    this.add({ kind: 'policy', policy: DEFAULT_POLICY });
  }

  add(...drafts: EntryDraft[]): Entry[] {
    const entries = sealEntries(this.state, drafts, this.at);
    this.entries.push(...entries);
    return entries;
  }

  settle(job: JobId, counts: TokenCounts, payTo: Account = erin): Entry[] {
    return this.add(settleDraft(this.state, { receipt: receiptOf(job, payTo), counts, counted: 'text' }));
  }
}

/** Of all accounts and reservations: 0 when no credit was lost or made. */
export function sumOf(state: LedgerView): number {
  return [...state.balances()].reduce((sum, [, { available, reserved }]) => sum + available + reserved, 0);
}
