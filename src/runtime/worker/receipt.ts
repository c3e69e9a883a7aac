import type { Outcome } from '../protocol/events.ts';
import type { Job } from '../protocol/job.ts';
import { inputSha256, outputSha256, type Receipt } from '../protocol/receipt.ts';
import type { WorkerIdentity } from './identity.ts';

interface Delivered {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly outcome: Pick<Outcome, 'modelSha256' | 'promptTokens' | 'outputTokens'>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The signed statement of an attempt. It counts the whole output: who brings a job to its end is paid for all of it. */
export function receiptFor(
  job: Job,
  attempt: number,
  { id, payTo, signer }: WorkerIdentity,
  { text, tokens, outcome, startedAt, endedAt }: Delivered,
): Receipt {
  return signer.sign({
    job: job.id,
    attempt,
    worker: id,
    payTo,
    modelSha256: outcome.modelSha256,
    inputSha256: inputSha256(job.input),
    outputSha256: outputSha256({ text, tokens }),
    counts: { inputTokens: outcome.promptTokens, outputTokens: outcome.outputTokens },
    startedAt,
    endedAt: Math.max(startedAt, endedAt),
  });
}
