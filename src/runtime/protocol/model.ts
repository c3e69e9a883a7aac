import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { countSchema, ordinalSchema } from './numbers.ts';

/** The name under which a grid serves a model, such as `aipg-tiny` or `org/repo:Q4_K_M`. */
export const modelNameSchema = z
  .string()
  .min(1)
  .refine(
    (name) => Buffer.byteLength(name) <= LIMITS.modelNameBytes,
    `is longer than ${LIMITS.modelNameBytes} bytes`,
  )
  .refine((name) => name.isWellFormed(), 'is not well-formed Unicode')
  .refine((name) => !/\p{Cc}/u.test(name), 'contains control characters')
  .brand<'ModelName'>();
export type ModelName = z.infer<typeof modelNameSchema>;

export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
  .brand<'Sha256'>();
export type Sha256 = z.infer<typeof sha256Schema>;

/** A model reference resolved to one file on this machine. */
export interface ModelFile {
  readonly name: ModelName;
  readonly path: string;
  readonly sha256: Sha256;
}

/** What a model's own file says of it. */
export const modelFactsSchema = z.object({
  name: modelNameSchema,
  sha256: sha256Schema,
  architecture: z.string(),
  /** Number of weights. */
  parameters: countSchema,
  /** Longest context that the model was trained for, in tokens, by its metadata. */
  trainContextSize: ordinalSchema,
  /** Context of each slot as loaded, in tokens. */
  contextSize: ordinalSchema,
  fileBytes: countSchema,
});
export type ModelFacts = z.infer<typeof modelFactsSchema>;
