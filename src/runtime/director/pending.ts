import { decodeLarge } from '../bus/artifacts.ts';
import { unsettledResults } from '../bus/ledger.ts';
import { readMessages } from '../bus/read-messages.ts';
import type { RecordStore } from '../bus/record.ts';
import { settleDraft } from '../ledger/drafts.ts';
import type { Earnings } from '../ledger/requests.ts';
import type { LedgerView } from '../ledger/state.ts';
import { microCredits } from '../protocol/credits.ts';
import type { Account } from '../protocol/ids.ts';
import { recordSchema } from '../protocol/result.ts';
import { patterns, STREAMS } from '../protocol/subjects.ts';

/** Most results that are looked through: what is behind them is pending, too, and not told. */
const MAX_LOOKED_AT = 500;

/**
 * What an account's workers have done that is not settled, by their own receipts and counts: nothing of it is checked
 * yet. Jobs in work are not among it: nobody but their worker has signed whose they are.
 */
export async function pendingOf(
  store: Pick<RecordStore, 'connection' | 'manager'>,
  state: LedgerView,
  account: Account,
): Promise<Pick<Earnings, 'unsettled' | 'pending'>> {
  const { count: unsettled, after } = await unsettledResults(store);
  let [jobs, earned, looked] = [0, 0, 0];
  if (unsettled === 0) return { unsettled, pending: { jobs, earned: microCredits(earned) } };
  for await (const { data } of readMessages(store.connection, STREAMS.results, {
    subject: patterns.results,
    after,
  })) {
    if (++looked > MAX_LOOKED_AT) break;
    const record = await decodeLarge(store.connection, recordSchema, data);
    if (!record.ok || record.value.status === 'claimed') continue;
    const receipt = record.value.status === 'done' ? record.value.receipt : record.value.part?.receipt;
    if (receipt?.payTo !== account || state.reservation(receipt.job) === undefined) continue;
    jobs += 1;
    earned += settleDraft(state, { receipt, counts: receipt.counts, counted: 'sizes' }).pay;
  }
  return { unsettled, pending: { jobs, earned: microCredits(earned) } };
}
