import { z } from 'zod';
import { envelopeSchema } from './envelope.ts';
import { leaseSchema } from './events.ts';
import { accountSchema, clientIdSchema, jobIdSchema, ticketSchema, workerIdSchema } from './ids.ts';
import { submittedJobSchema } from './job.ts';
import { countSchema, ordinalSchema, timeSchema } from './numbers.ts';
import { reasonSchema } from './reason.ts';
import { sealedContentSchema } from './seal.ts';

// What clients and workers ask of a director.

export const submitRequestSchema = envelopeSchema.extend({
  job: submittedJobSchema,
  /** The process that waits for the answer; absent for a detached job, which goes on without anybody. */
  client: clientIdSchema.optional(),
  /** Queue the job even if no worker serves its model now. */
  wait: z.boolean().default(false),
});
export type SubmitRequest = z.infer<typeof submitRequestSchema>;

export const cancelRequestSchema = envelopeSchema.extend({ job: jobIdSchema, reason: reasonSchema });
export type CancelRequest = z.infer<typeof cancelRequestSchema>;

/** Of a client whose job has fallen silent: is its worker still there? */
export const checkRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  worker: workerIdSchema,
  lease: leaseSchema,
});
export type CheckRequest = z.infer<typeof checkRequestSchema>;

export const jobRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  /** Whether the output so far is wanted. */
  withOutput: z.boolean().default(true),
});
export type JobRequest = z.infer<typeof jobRequestSchema>;

export const jobsRequestSchema = envelopeSchema.extend({
  /** Only jobs that ended after this, in milliseconds since 1970; unfinished ones are always told. */
  since: timeSchema,
  limit: z.int().min(1).max(1_000).default(100),
});
export type JobsRequest = z.infer<typeof jobsRequestSchema>;

/** A worker asks how far the attempts before its own have come. The ticket shows that it was handed the job. */
export const progressRequestSchema = envelopeSchema.extend({
  account: accountSchema,
  job: jobIdSchema,
  ticket: ticketSchema,
  /** In the queue's stream. */
  sequence: countSchema,
  /** The asker's own; the answer holds all that came before it said that it has the lease. */
  attempt: z.int().min(2),
});
export type ProgressRequest = z.infer<typeof progressRequestSchema>;

/** A client hands the content of a sealed job to the worker that has leased it. */
export const handOverRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  worker: workerIdSchema,
  attempt: ordinalSchema,
  content: sealedContentSchema,
});
export type HandOverRequest = z.infer<typeof handOverRequestSchema>;

export const resultRequestSchema = envelopeSchema.extend({ job: jobIdSchema });

export const statusRequestSchema = envelopeSchema;
