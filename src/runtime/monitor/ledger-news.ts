import { z } from 'zod';
import { amountSchema, tokenCountsSchema } from '../protocol/credits.ts';
import { type Account, accountSchema, jobIdSchema, workerIdSchema } from '../protocol/ids.ts';
import { sha256Schema } from '../protocol/model.ts';
import { ordinalSchema, timeSchema } from '../protocol/numbers.ts';
import type { ReceiptRow } from './grid-snapshot.ts';

const settledSchema = z.object({
  kind: z.literal('settle'),
  n: ordinalSchema,
  at: timeSchema,
  job: jobIdSchema,
  payTo: accountSchema,
  worker: workerIdSchema,
  counts: tokenCountsSchema,
  isOwn: z.boolean(),
  pay: amountSchema,
  receipt: z.object({ modelSha256: sha256Schema }),
});
export type Settled = z.infer<typeof settledSchema>;

/** What a message of the ledger means to who watches a grid. */
export interface LedgerNews {
  readonly settled: readonly Settled[];
  /** Something that the rate card follows from has changed. */
  readonly changesPrices: boolean;
  /** An account's balance or earnings may be others now; so they are when a day is over. */
  changesAccount(account: Account): boolean;
}

/** Entries are canonical JSON, one a line: what is of no account here is not even parsed. */
export function readLedgerNews(data: Uint8Array): LedgerNews {
  const text = new TextDecoder().decode(data);
  const settled = text.split('\n').flatMap((line) => (isOf(line, 'settle') ? readSettled(line) : []));
  return {
    settled,
    changesPrices: isOf(text, 'price') || isOf(text, 'policy'),
    changesAccount: (account) =>
      text.includes(`"account":"${account}"`) ||
      isOf(text, 'root') ||
      settled.some(({ payTo }) => payTo === account),
  };
}

export function receiptOf({ n, at, job, worker, counts, pay, isOwn, receipt }: Settled): ReceiptRow {
  const { outputTokens } = counts;
  return { n, at, job, worker, model: receipt.modelSha256, outputTokens, earned: pay, isOwn };
}

/** Those of one account, of entries that a director has told. */
export function receiptsOf(entries: readonly object[], account: Account): ReceiptRow[] {
  return entries.flatMap((entry) => {
    const settled = settledSchema.safeParse(entry);
    return settled.success && settled.data.payTo === account ? [receiptOf(settled.data)] : [];
  });
}

/** No other text has this: the quotes of a memo are escaped. */
function isOf(text: string, kind: string): boolean {
  return text.includes(`"kind":"${kind}"`);
}

function readSettled(line: string): Settled[] {
  try {
    const settled = settledSchema.safeParse(JSON.parse(line));
    return settled.success ? [settled.data] : [];
  } catch {
    // What is no entry counts for nothing.
    return [];
  }
}
