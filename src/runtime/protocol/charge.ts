import { z } from 'zod';
import { amountSchema, costOf, type MicroCredits, ratesSchema, type TokenCounts } from './credits.ts';
import { countSchema, ordinalSchema } from './numbers.ts';

/** What holds for a job's credits from its acceptance on. */
export const chargeSchema = z.object({
  /** The entry of the ledger that set the rates. */
  price: ordinalSchema,
  rates: ratesSchema,
  /** Of the job's tier, in basis points. */
  multiplier: countSchema,
  /** What is held while the job runs: it never costs more. */
  most: amountSchema,
});
export type Charge = z.infer<typeof chargeSchema>;

/** What tokens cost under a charge; a director that counts fewer takes less. */
export function chargeFor({ rates, multiplier, most }: Charge, counts: TokenCounts): MicroCredits {
  const cost = costOf(counts, rates, multiplier);
  return cost < most ? cost : most;
}
