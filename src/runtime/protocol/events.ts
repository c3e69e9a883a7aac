import { z } from 'zod';
import { ERROR_CODES } from './errors.ts';
import { workerIdSchema } from './ids.ts';
import { modelNameSchema, sha256Schema } from './model.ts';
import { finishReasonSchema } from './text.ts';

const attempt = z.number().int().min(1);
const count = z.number().int().nonnegative();
/** Milliseconds, fractions allowed. */
const duration = z.number().nonnegative();

export const failureSchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  hint: z.string().optional(),
});

/** What is known of a job once its output is complete. */
export const outcomeSchema = z.object({
  model: modelNameSchema,
  modelSha256: sha256Schema,
  finishReason: finishReasonSchema,
  promptTokens: count,
  outputTokens: count,
  /** UTF-16 code units of the whole output. */
  textLength: count,
  sampler: z.string(),
  worker: workerIdSchema.optional(),
  timings: z.object({
    /** From the start of the attempt to its first token. */
    firstTokenMs: duration,
    /** From the start of the attempt to its end. */
    totalMs: duration,
  }),
});
export type Outcome = z.infer<typeof outcomeSchema>;

/**
 * What happens to a job, in order. Chunks of attempts overlap: a reader takes what lies beyond its own offset and
 * ignores attempts older than the newest that it saw.
 */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), model: modelNameSchema }),
  z.object({ type: z.literal('leased'), attempt, worker: workerIdSchema }),
  z.object({
    type: z.literal('chunk'),
    attempt,
    /** Output tokens before this chunk. */
    tokenOffset: count,
    /** UTF-16 code units of output before this chunk. */
    textOffset: count,
    text: z.string(),
    tokens: z.array(count),
  }),
  z.object({ type: z.literal('retrying'), attempt, reason: z.string() }),
  z.object({ type: z.literal('done'), attempt, outcome: outcomeSchema }),
  z.object({ type: z.literal('failed'), attempt: count, error: failureSchema }),
  z.object({ type: z.literal('cancelled'), reason: z.string() }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;
export type ChunkEvent = Extract<JobEvent, { type: 'chunk' }>;
export type FinalEvent = Extract<JobEvent, { type: 'done' | 'failed' | 'cancelled' }>;

export function isFinal(event: JobEvent): event is FinalEvent {
  return event.type === 'done' || event.type === 'failed' || event.type === 'cancelled';
}
