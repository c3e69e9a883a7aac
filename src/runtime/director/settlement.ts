import { type Settlement, settleDraft } from '../ledger/drafts.ts';
import type { DraftOf } from '../ledger/entry.ts';
import type { LedgerView } from '../ledger/state.ts';
import type { Reservation } from '../ledger/tables.ts';
import { isWorkerOf } from '../protocol/ids.ts';
import { inputSha256, outputSha256, type Receipt } from '../protocol/receipt.ts';
import { verifyReceipt } from '../protocol/receipt-signature.ts';
import type { Result } from '../protocol/result.ts';
import { isSealed, type JobInput, type SealedInput } from '../protocol/sealed.ts';
import { mostInputTokens, type TokenCounter } from './token-counter.ts';

type Done = Extract<Result, { status: 'done' }>;

/** How a reservation ends: the work is paid for, or what was held goes back. */
export type Ending =
  | { readonly paid: Settlement }
  | {
      readonly refunded: DraftOf<'refund'>['reason'];
      /** Why a job that is done is not paid for. */
      readonly why?: string;
    };

/**
 * What becomes of the credits that were held for a job that has ended: its worker's owner is paid for what was
 * delivered, by the worker's own receipt, or the asker has them back.
 * @param input the job's, as it was accepted; `undefined` where it is known no more
 */
export async function endingOf(
  reservation: Reservation,
  result: Result,
  input: JobInput | undefined,
  countTokens: TokenCounter,
): Promise<Ending> {
  if (result.status !== 'done') return { refunded: result.status };
  const { receipt } = result;
  if (receipt === undefined) return unpaid('there is no receipt');
  const { worker, modelSha256 } = result.outcome;
  if (receipt.worker !== worker) return unpaid('the receipt is of another worker');
  if (receipt.modelSha256 !== modelSha256) return unpaid('the receipt is of another model');
  const fault = faultOf(reservation, result, receipt, input);
  if (fault !== undefined) return unpaid(fault);
  if (!(await verifyReceipt(receipt))) return unpaid('the receipt is not signed by its key');
  if (input && isSealed(input)) {
    if (result.sealed === undefined) return unpaid('the answer to a sealed job is not sealed');
    return { paid: { receipt, ...countSealed(result.sealed, receipt, input) } };
  }
  // What was asked in the clear is counted, so it has to be answered so.
  if (result.sealed !== undefined) return unpaid('only the answer is sealed');
  const count = await countTokens({
    input,
    modelSha256: receipt.modelSha256,
    text: result.text,
    tokens: result.tokens,
    inputTokens: receipt.counts.inputTokens,
  });
  return 'mismatch' in count ? unpaid(count.mismatch) : { paid: { receipt, ...count } };
}

/** The entry that ends a reservation, unless it has ended. */
export function endingDraft(
  state: LedgerView,
  { job }: Reservation,
  ending: Ending,
): DraftOf<'settle'> | DraftOf<'refund'> | undefined {
  if (state.reservation(job) === undefined) return undefined;
  if ('paid' in ending) return settleDraft(state, ending.paid);
  return { kind: 'refund', job, reason: ending.refunded };
}

/** The most tokens that can be sealed in so many bytes: a token and its text take two or more. */
export function mostSealedTokens(bytes: number): number {
  return Math.floor(bytes / 2);
}

/**
 * What only its client can read no director can count: the worker's counts stand, as far as the job's limits and the
 * sizes of what was sealed allow.
 */
function countSealed(
  sealed: string,
  { counts }: Receipt,
  input: SealedInput,
): Pick<Settlement, 'counts' | 'counted'> {
  const most = mostSealedTokens(Buffer.byteLength(sealed, 'base64'));
  return {
    counts: {
      inputTokens: Math.min(counts.inputTokens, mostInputTokens(input)),
      outputTokens: Math.min(counts.outputTokens, most, input.maxTokens),
    },
    counted: 'sizes',
  };
}

/** Why a job is not paid for whose worker has said that it did it. */
export function unpaid(why: string): Ending {
  return { refunded: 'unsettled', why };
}

/** What is wrong with a receipt of this output. */
export function faultOf(
  { job, model }: Reservation,
  { text, tokens }: Pick<Done, 'text' | 'tokens'>,
  receipt: Receipt,
  input: JobInput | undefined,
): string | undefined {
  if (receipt.job !== job) return 'the receipt is of another job';
  if (!isWorkerOf(receipt.worker, receipt.key)) return "the receipt's key is not its worker's";
  if (model !== undefined && receipt.modelSha256 !== model)
    return 'the model is another file than was priced';
  if (receipt.outputSha256 !== outputSha256({ text, tokens })) return 'the receipt is of another output';
  if (input !== undefined && receipt.inputSha256 !== inputSha256(input)) {
    return 'the receipt is of another input';
  }
  return undefined;
}
