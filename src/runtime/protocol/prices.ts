import { z } from 'zod';
import { chargeSchema } from './charge.ts';
import { amountSchema, ratesSchema } from './credits.ts';
import { envelopeSchema } from './envelope.ts';
import { jobSpecSchema } from './job.ts';
import { modelNameSchema, sha256Schema } from './model.ts';
import { countSchema, ordinalSchema } from './numbers.ts';

/** Where rates come from: a model's own header, an operator, or the policy for models without a price. */
export const basisSchema = z.enum(['header', 'set', 'policy']);

/** What would become of a job that were submitted now. */
export const quoteRequestSchema = envelopeSchema.extend({ job: jobSpecSchema });
export const quoteReplySchema = z.object({
  model: modelNameSchema,
  /** Live slots that serve the model. */
  slots: countSchema,
  /** `null` on a grid without credits. */
  charge: chargeSchema
    .extend({ basis: basisSchema, counts: z.object({ inputTokens: countSchema, outputTokens: countSchema }) })
    .nullable(),
  /** What the account can spend, a first job's allowance included; `null` on a grid without credits. */
  available: amountSchema.nullable(),
});
export type QuoteReply = z.infer<typeof quoteReplySchema>;

/** A line of the rate card. */
export const priceSchema = z.object({
  /** The entry of the ledger that set it. */
  price: ordinalSchema,
  model: sha256Schema,
  name: modelNameSchema,
  rates: ratesSchema,
  basis: basisSchema,
});
export type Price = z.infer<typeof priceSchema>;

export const pricesRequestSchema = envelopeSchema;
export const pricesReplySchema = z.object({
  /** By name. */
  prices: z.array(priceSchema),
  /** For every other model; `null` on a grid without credits. */
  otherwise: ratesSchema.nullable(),
});
export type PricesReply = z.infer<typeof pricesReplySchema>;

/** An operator sets the price of a file: given by its hash, or by a name that means one file on the grid. */
export const setPriceRequestSchema = envelopeSchema.extend({
  name: modelNameSchema,
  model: sha256Schema.optional(),
  rates: ratesSchema,
});
export type SetPriceRequest = z.infer<typeof setPriceRequestSchema>;
export const setPriceReplySchema = priceSchema;
