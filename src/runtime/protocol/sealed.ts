import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { countSchema, ordinalSchema } from './numbers.ts';
import { sealKeySchema } from './seal.ts';
import { textInputSchema } from './text.ts';

/** What stands in a job's place for content that only its worker reads. */
export const sealedPromptSchema = z.object({
  form: z.literal('sealed'),
  /** Of the client: whoever seals for this job seals for it. */
  key: sealKeySchema,
  /** Most bytes of the prompt, in UTF-8. */
  bytes: z.int().min(1).max(LIMITS.artifactBytes),
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

/** What a client hands over: the input, and the output that it has, for the attempt to go on from. */
export const handOverSchema = z.object({
  attempt: ordinalSchema,
  input: textInputSchema,
  output: z.object({ text: z.string(), tokens: z.array(countSchema) }),
  /** Of the file that this output is of. */
  modelSha256: z.string().optional(),
});
export type HandOver = z.infer<typeof handOverSchema>;

/** What the content of a `sealed` event is. */
export const sealedPieceSchema = z.object({
  attempt: ordinalSchema,
  tokenOffset: countSchema,
  textOffset: countSchema,
  text: z.string(),
  tokens: z.array(countSchema),
});

/** What is sealed in a final record: the whole output, or why the job failed. */
export const sealedEndSchema = z.union([
  z.object({ text: z.string(), tokens: z.array(countSchema) }),
  z.object({ message: z.string(), hint: z.string().optional() }),
]);
export type SealedEnd = z.infer<typeof sealedEndSchema>;
