import { EVENTS_MS } from '../bus/streams.ts';
import type { Reservation } from '../ledger/tables.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { Job } from '../protocol/job.ts';
import type { Part } from '../protocol/part.ts';
import { verifyReceipt } from '../protocol/receipt-signature.ts';
import type { CutShort } from '../protocol/result.ts';
import { isSealed, type JobInput, type SealedInput } from '../protocol/sealed.ts';
import { deliveredOf, sealedDelivered } from './delivered.ts';
import { type Ending, faultOf, mostSealedTokens, unpaid } from './settlement.ts';
import type { Shown } from './shown.ts';
import { mostInputTokens, type TokenCounter } from './token-counter.ts';

/** How far the clock of a worker that ends a job at its time limit may be ahead, in milliseconds. */
const CLOCK_MS = 2_000;

/**
 * Whose work on a job that was cut short there is to be paid for: who had claimed it, else who leased it first, as a
 * later worker claims it before it shows anything. `undefined` where that is not known, or not any more: then only who
 * was handed the job can say that it was there.
 */
export function holderOf(
  { claim }: Pick<CutShort, 'claim'>,
  shown: Pick<Shown, 'firstWorker'>,
): WorkerId | undefined {
  return claim?.worker ?? shown.firstWorker;
}

export interface CutShortJob {
  readonly result: CutShort;
  /** In milliseconds since 1970. */
  readonly endedAt: number;
  readonly shown: Shown;
  /** As it was accepted; `undefined` where it is known no more. */
  readonly job: Pick<Job, 'acceptedAt' | 'limits'> | undefined;
  readonly input: JobInput | undefined;
}

/**
 * What becomes of the credits that were held for a job that its asker has ended early: its worker is paid for what was
 * delivered until then, as for a whole job, or, where nothing was, the asker has them back.
 * @param now in milliseconds since 1970
 */
export async function endingOfCutShort(
  reservation: Reservation,
  { result, endedAt, shown, job, input }: CutShortJob,
  countTokens: TokenCounter,
  now: number,
): Promise<Ending> {
  const { part } = result;
  if (part === undefined) return { refunded: result.status };
  const { receipt } = part;
  if (result.status === 'failed' && !hadStruck(job, endedAt)) return unpaid('its time limit had not struck');
  if (receipt.worker !== (holderOf(result, shown) ?? receipt.worker))
    return unpaid('the receipt is of another worker');
  const fault = faultOf(reservation, part, receipt, input);
  if (fault !== undefined) return unpaid(fault);
  if (!(await verifyReceipt(receipt))) return unpaid('the receipt is not signed by its key');
  // Of a job that took longer than events are kept, the first are gone.
  const fromFirst = now - reservation.at > EVENTS_MS;
  if (input && isSealed(input)) return endingOfSealed(result, part, shown, input, fromFirst);
  const { text, tokens } = deliveredOf(part, shown, fromFirst);
  if (Math.min(tokens.length, receipt.counts.outputTokens) === 0) return { refunded: result.status };
  const { modelSha256, counts } = receipt;
  const count = await countTokens({ input, modelSha256, text, tokens, inputTokens: counts.inputTokens });
  return 'mismatch' in count ? unpaid(count.mismatch) : { paid: { receipt, ...count } };
}

/** By the worker's counts, as far as what was sealed for the client and published before the end allows. */
function endingOfSealed(
  result: CutShort,
  { receipt }: Part,
  shown: Shown,
  input: SealedInput,
  fromFirst: boolean,
): Ending {
  const { counts } = receipt;
  const { tokens, bytes } = sealedDelivered(shown, fromFirst);
  const outputTokens = Math.min(counts.outputTokens, tokens, mostSealedTokens(bytes), input.maxTokens);
  if (outputTokens === 0) return { refunded: result.status };
  const inputTokens = Math.min(counts.inputTokens, mostInputTokens(input));
  return { paid: { receipt, counts: { inputTokens, outputTokens }, counted: 'sizes' } };
}

function hadStruck(job: CutShortJob['job'], endedAt: number): boolean {
  const timeoutMs = job?.limits.timeoutMs;
  return job !== undefined && timeoutMs !== undefined && endedAt >= job.acceptedAt + timeoutMs - CLOCK_MS;
}
