import { z } from 'zod';
import { ERROR_CODES } from './errors.ts';
import { workerIdSchema } from './ids.ts';
import { modelNameSchema, sha256Schema } from './model.ts';
import { countSchema, durationSchema, fractionSchema, ordinalSchema } from './numbers.ts';
import { sealedContentSchema, sealOfferSchema } from './seal.ts';
import { finishReasonSchema } from './text.ts';

export const failureSchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  hint: z.string().optional(),
});

/** By which a lease is renewed or given back: a subject of JetStream's acknowledgements. */
export const leaseSchema = z
  .string()
  .max(512)
  .regex(/^\$JS\.ACK(?:\.[^.\s*>]+){7,10}$/);

/** How an attempt ended that did not end the job: it failed, was handed back unharmed, or was heard of no more. */
export const attemptEndSchema = z.enum(['failed', 'given-back', 'lost']);
export type AttemptEnd = z.infer<typeof attemptEndSchema>;

export const attemptSchema = z.object({
  attempt: ordinalSchema,
  worker: workerIdSchema,
  modelSha256: sha256Schema.optional(),
  /** Of a sealed job. */
  seal: sealOfferSchema.optional(),
  /** Output tokens that it added to those of the attempts before. */
  newTokens: countSchema.optional(),
  /** Absent while it runs, and for the one that ended the job. */
  end: attemptEndSchema.optional(),
  reason: z.string().optional(),
});
export type AttemptRecord = z.infer<typeof attemptSchema>;

/** What is known of a job once its output is complete. */
export const outcomeSchema = z.object({
  model: modelNameSchema,
  modelSha256: sha256Schema,
  finishReason: finishReasonSchema,
  promptTokens: countSchema,
  outputTokens: countSchema,
  /** UTF-16 code units of the whole output; 0 where it is sealed. */
  textLength: countSchema,
  /** Only the job's client can read the output. */
  sealed: z.literal(true).optional(),
  sampler: z.string(),
  worker: workerIdSchema.optional(),
  timings: z.object({
    /** From the start of the attempt to its first token. */
    firstTokenMs: durationSchema,
    /** From the start of the attempt to its end. */
    totalMs: durationSchema,
  }),
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** A piece of the output of a sealed job; all of it but where it stands is for the client alone. */
export const sealedEventSchema = z.object({
  type: z.literal('sealed'),
  attempt: ordinalSchema,
  tokenOffset: countSchema,
  /** How many. */
  tokens: countSchema,
  content: sealedContentSchema,
});
export type SealedEvent = z.infer<typeof sealedEventSchema>;

/**
 * What happens to a job, in order. Chunks of attempts overlap: a reader takes what lies beyond its own offset and
 * ignores attempts older than the newest that it saw.
 */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), model: modelNameSchema }),
  z.object({
    type: z.literal('waiting'),
    /** Jobs that are served first, this one included: 1 is next. */
    place: ordinalSchema,
    /** Until a worker takes it, in milliseconds, from how fast the queue has moved; absent while nothing is known. */
    estimateMs: durationSchema.optional(),
    /** The share of the model that its first worker has loaded, 0 to 1, while no other serves it. */
    loading: fractionSchema.optional(),
  }),
  z.object({
    type: z.literal('leased'),
    attempt: ordinalSchema,
    worker: workerIdSchema,
    modelSha256: sha256Schema.optional(),
    lease: leaseSchema.optional(),
    /** That the job was handed to the worker: see {@link leaseProof}. */
    proof: sha256Schema.optional(),
    /** Of a sealed job: how its content is to be handed over. */
    seal: sealOfferSchema.optional(),
  }),
  sealedEventSchema,
  z.object({
    type: z.literal('chunk'),
    attempt: ordinalSchema,
    /** Output tokens before this chunk. */
    tokenOffset: countSchema,
    /** UTF-16 code units of output before this chunk. */
    textOffset: countSchema,
    text: z.string(),
    tokens: z.array(countSchema),
  }),
  z.object({
    type: z.literal('retrying'),
    attempt: ordinalSchema,
    end: attemptEndSchema,
    reason: z.string(),
  }),
  z.object({ type: z.literal('done'), attempt: ordinalSchema, outcome: outcomeSchema }),
  z.object({
    type: z.literal('failed'),
    attempt: countSchema,
    error: failureSchema,
    /** Of a sealed job: what the error says, which may tell of its content. */
    sealed: sealedContentSchema.optional(),
    /** What became of each attempt, where it was the attempts that failed the job. */
    attempts: z.array(attemptSchema).optional(),
  }),
  z.object({ type: z.literal('cancelled'), reason: z.string() }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;
export type ChunkEvent = Extract<JobEvent, { type: 'chunk' }>;
export type FinalEvent = Extract<JobEvent, { type: 'done' | 'failed' | 'cancelled' }>;

export function isFinal(event: JobEvent): event is FinalEvent {
  return event.type === 'done' || event.type === 'failed' || event.type === 'cancelled';
}
