import { z } from 'zod';
import { chargeSchema } from './charge.ts';
import { attemptSchema, jobEventSchema, sealedEventSchema } from './events.ts';
import { jobIdSchema } from './ids.ts';
import { modelNameSchema } from './model.ts';
import { countSchema, durationSchema, ordinalSchema, timeSchema } from './numbers.ts';
import { sealedContentSchema } from './seal.ts';

// What a director answers about jobs; results, prices and status have files of their own.

export const submitReplySchema = z.object({
  job: jobIdSchema,
  model: modelNameSchema,
  /** Where credits are on. */
  charge: chargeSchema.optional(),
});
export type SubmitReply = z.infer<typeof submitReplySchema>;

/** `cancelled`: by this request; otherwise the job had ended before. */
export const cancelReplySchema = z.object({
  job: jobIdSchema,
  cancelled: z.boolean(),
  /** By which what it had delivered is paid for; absent where nothing is held for it. */
  charge: chargeSchema.optional(),
});
export type CancelReply = z.infer<typeof cancelReplySchema>;

/** `givenBack`: the worker was gone, and the job went back to the queue. */
export const checkReplySchema = z.object({ job: jobIdSchema, givenBack: z.boolean() });
export type CheckReply = z.infer<typeof checkReplySchema>;

export const jobStatusSchema = z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']);
export type JobStatus = z.infer<typeof jobStatusSchema>;

const chunkSchema = z.object({
  tokenOffset: countSchema,
  textOffset: countSchema,
  text: z.string(),
  tokens: z.array(countSchema),
});

/** All that the bus knows of a job. */
export const jobViewSchema = z.object({
  job: jobIdSchema,
  status: jobStatusSchema,
  model: modelNameSchema.optional(),
  /** Milliseconds since 1970. */
  acceptedAt: timeSchema.optional(),
  endedAt: timeSchema.optional(),
  attempts: z.array(attemptSchema),
  /** While it waits. */
  place: ordinalSchema.optional(),
  estimateMs: durationSchema.optional(),
  /** The output as far as it is known without a gap. */
  output: chunkSchema.optional(),
  /** Of a sealed job: what only its client can open. */
  sealed: z.object({ pieces: z.array(sealedEventSchema), end: sealedContentSchema.optional() }).optional(),
  /** The last event, once the job has ended. */
  final: jobEventSchema.optional(),
});
export type JobView = z.infer<typeof jobViewSchema>;

export const jobSummarySchema = z.object({
  job: jobIdSchema,
  status: jobStatusSchema,
  model: modelNameSchema.optional(),
  acceptedAt: timeSchema.optional(),
  endedAt: timeSchema.optional(),
  reason: z.string().optional(),
});
export type JobSummary = z.infer<typeof jobSummarySchema>;

export const jobsReplySchema = z.object({ jobs: z.array(jobSummarySchema) });
export type JobsReply = z.infer<typeof jobsReplySchema>;

export const progressReplySchema = z.object({
  attempts: z.array(attemptSchema),
  output: chunkSchema,
});
export type ProgressReply = z.infer<typeof progressReplySchema>;

/** `taken`: the worker has it; otherwise it was not reached, or works on that attempt no more. */
export const handOverReplySchema = z.object({ taken: z.boolean() });
