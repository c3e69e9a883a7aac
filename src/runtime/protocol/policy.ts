import { z } from 'zod';
import { amountSchema, BASIS_POINTS, ratesSchema } from './credits.ts';
import { tierSchema } from './job.ts';

/** 10,000 is once; at most a hundred times. */
const multiplierSchema = z.int().min(0).max(1_000_000);

/** What an operator decides about credits; a change holds from then on and touches nothing that is reserved. */
export const policySchema = z.strictObject({
  /** Given once to each account with its first job. */
  allowance: amountSchema,
  /** Must be left to an account after it has reserved. */
  minimumBalance: amountSchema,
  /** The operator's part of what a job costs, in basis points. */
  operatorShare: z.int().min(0).max(BASIS_POINTS),
  /** What a tier's jobs cost, in basis points of the rates. */
  tiers: z.strictObject(
    Object.fromEntries(tierSchema.options.map((tier) => [tier, multiplierSchema])) as Record<
      z.infer<typeof tierSchema>,
      typeof multiplierSchema
    >,
  ),
  /** For a model that has no price of its own. */
  rates: ratesSchema,
});
export type Policy = z.infer<typeof policySchema>;
