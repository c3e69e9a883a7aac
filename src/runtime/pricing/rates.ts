import { type Rates, ratesSchema } from '../protocol/credits.ts';
import type { TokenWork } from './token-work.ts';

/**
 * Bytes moved for each token at which a million tokens cost one micro-credit. So one credit moves 10 petabytes: some
 * 1.6 million output tokens of a model of 8 billion weights at four bits.
 */
export const BYTES_PER_RATE = 10_000;

/** What tokens of this work cost, rounded up: nothing is free. */
export function ratesOf({ input, output }: TokenWork): Rates {
  const rate = (work: number) => Math.max(1, Math.ceil(work / BYTES_PER_RATE));
  return ratesSchema.parse({ input: rate(input), output: rate(output) });
}
