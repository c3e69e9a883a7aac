import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { userKeySchema } from './credentials.ts';
import type { JobId, WorkerId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { textInputSchema } from './text.ts';

// A sealed job's content goes from its client to the worker that has leased it, and back, encrypted between the two:
// by the curve25519 keys of NATS (xkeys), which both make for this one job and forget.

/** A public xkey. */
export const sealKeySchema = z.string().regex(/^X[A-Z2-7]{55}$/, 'is not a public curve key');

/** What {@link SealKeys} has sealed, in base64. */
export const sealedContentSchema = z
  .base64()
  .min(1)
  .max(2 * LIMITS.artifactBytes);

/** What stands in a job's place for content that only its worker reads. */
export const sealedPromptSchema = z.object({
  form: z.literal('sealed'),
  /** Of the client: whoever seals for this job seals for it. */
  key: sealKeySchema,
  /** Most bytes of the prompt, in UTF-8. */
  bytes: z.number().int().min(1).max(LIMITS.artifactBytes),
});

/** All that the bus and its directors know of a sealed job's input. */
export const sealedInputSchema = z.object({
  prompt: sealedPromptSchema,
  maxTokens: textInputSchema.shape.maxTokens,
});
export type SealedInput = z.infer<typeof sealedInputSchema>;

/** The input of a job as it travels: in the clear, or sealed. */
export const jobInputSchema = z.union([textInputSchema, sealedInputSchema]);
export type JobInput = z.infer<typeof jobInputSchema>;

export function isSealed(input: JobInput): input is SealedInput {
  return input.prompt.form === 'sealed';
}

/** A worker's word that content for its attempt is to be sealed to this key of its own. */
export const sealOfferSchema = z.object({
  key: sealKeySchema,
  /** The worker's public user key, from which its id is derived. */
  by: userKeySchema,
  /** Of {@link offerBytes}, by that key. */
  signature: z.string().regex(/^[\w-]{86}$/, 'must be 86 characters of base64url'),
  /** On a grid with keys: by which the grid's operator vouches that the key is a worker's. */
  jwt: z.string().max(16_384).optional(),
});
export type SealOffer = z.infer<typeof sealOfferSchema>;

/** What a worker signs: which key, for which attempt of which job of which client. */
export function offerBytes(offer: {
  readonly job: JobId;
  readonly attempt: number;
  readonly worker: WorkerId;
  /** Of the worker, for this attempt. */
  readonly key: string;
  /** Of the client, as the worker found it in the job. */
  readonly client: string;
}): Uint8Array {
  const { job, attempt, worker, key, client } = offer;
  return new TextEncoder().encode(`aipg seal 1\n${canonicalJson({ job, attempt, worker, key, client })}`);
}

/** What a client hands over: the input, and the output that it has, for the attempt to go on from. */
export const handOverSchema = z.object({
  attempt: z.number().int().min(1),
  input: textInputSchema,
  output: z.object({ text: z.string(), tokens: z.array(z.number().int().nonnegative()) }),
  /** Of the file that this output is of. */
  modelSha256: z.string().optional(),
});
export type HandOver = z.infer<typeof handOverSchema>;

const offset = z.number().int().nonnegative();

/** What the content of a `sealed` event is. */
export const sealedPieceSchema = z.object({
  attempt: z.number().int().min(1),
  tokenOffset: offset,
  textOffset: offset,
  text: z.string(),
  tokens: z.array(offset),
});

/** What is sealed in a final record: the whole output, or why the job failed. */
export const sealedEndSchema = z.union([
  z.object({ text: z.string(), tokens: z.array(offset) }),
  z.object({ message: z.string(), hint: z.string().optional() }),
]);
export type SealedEnd = z.infer<typeof sealedEndSchema>;
