import type { NatsConnection } from '@nats-io/transport-node';
import type { Job } from '../protocol/job.ts';
import type { Sha256 } from '../protocol/model.ts';
import type { Part } from '../protocol/part.ts';
import { isSealed } from '../protocol/sealed.ts';
import type { WorkerIdentity } from './identity.ts';
import type { OutputStream } from './output-stream.ts';
import { receiptFor } from './receipt.ts';
import { retryUntilStopped } from './retry.ts';

/** A director settles without a part that is not there after this long, in milliseconds. */
const OFFER_MS = 10_000;

export interface Streamed {
  readonly job: Job;
  readonly attempt: number;
  readonly identity: WorkerIdentity;
  readonly modelSha256: Sha256;
  readonly output: Pick<OutputStream, 'sent' | 'promptTokens'>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** What was sent of a job that ends before it is done: not what was computed and is held back still. */
export function partOf({ job, attempt, identity, modelSha256, output, startedAt }: Streamed): Part {
  const { sent, promptTokens } = output;
  const outcome = { modelSha256, promptTokens, outputTokens: sent.tokens.length };
  // Of a sealed output nobody but the client learns more than how many tokens it has.
  const said = isSealed(job.input) ? { text: '', tokens: [] } : { text: sent.text, tokens: [...sent.tokens] };
  const period = { startedAt, endedAt: Date.now() };
  return { ...said, receipt: receiptFor(job, attempt, identity, { ...said, outcome, ...period }) };
}

/** Offers a part until it is taken or refused, or comes too late. @throws what the last try failed with */
export async function offerPart(
  connection: NatsConnection,
  hurry: AbortSignal,
  offer: () => Promise<boolean>,
): Promise<boolean> {
  const signal = AbortSignal.any([hurry, AbortSignal.timeout(OFFER_MS)]);
  return await retryUntilStopped(connection, signal, offer);
}
