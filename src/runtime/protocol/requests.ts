import { z } from 'zod';
import { failureSchema } from './events.ts';
import { jobIdSchema } from './ids.ts';
import { jobSpecSchema } from './job.ts';
import { modelNameSchema } from './model.ts';

/** Read first, alone: it decides whether the rest can be read at all. */
export const envelopeSchema = z.object({ protocol: z.number().int() });

export const submitRequestSchema = envelopeSchema.extend({ job: jobSpecSchema });
export type SubmitRequest = z.infer<typeof submitRequestSchema>;

export const submitReplySchema = z.object({
  job: jobIdSchema,
  model: modelNameSchema,
  /** The job's place in the queue's stream; what a cancel names to take it out again. */
  queueSequence: z.number().int().positive(),
});
export type SubmitReply = z.infer<typeof submitReplySchema>;

export const cancelRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  queueSequence: z.number().int().positive(),
  reason: z.string().max(200),
});
export type CancelRequest = z.infer<typeof cancelRequestSchema>;

export const cancelReplySchema = z.object({ job: jobIdSchema });
export type CancelReply = z.infer<typeof cancelReplySchema>;

/** The answer to a request that was refused. */
export const refusalSchema = z.object({ error: failureSchema });

/** Sent to a job's worker. */
export const controlJobSchema = z.object({ type: z.literal('cancel'), reason: z.string().max(200) });
export type ControlJob = z.infer<typeof controlJobSchema>;
