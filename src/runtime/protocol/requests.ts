import { z } from 'zod';
import { chargeSchema } from './charge.ts';
import { attemptSchema, failureSchema, jobEventSchema, leaseSchema, sealedEventSchema } from './events.ts';
import { accountSchema, clientIdSchema, jobIdSchema, ticketSchema, workerIdSchema } from './ids.ts';
import { submittedJobSchema } from './job.ts';
import { LIMITS } from './limits.ts';
import { modelNameSchema } from './model.ts';
import { resultSchema } from './result.ts';
import { sealedContentSchema } from './sealed.ts';
import { heartbeatSchema } from './worker.ts';

/** Read first, alone: it decides whether the rest can be read at all. */
export const envelopeSchema = z.object({ protocol: z.number().int() });

const milliseconds = z.number().int().nonnegative();
const reasonSchema = z.string().max(LIMITS.reasonLength);

export const submitRequestSchema = envelopeSchema.extend({
  job: submittedJobSchema,
  /** The process that waits for the answer; absent for a detached job, which goes on without anybody. */
  client: clientIdSchema.optional(),
  /** Queue the job even if no worker serves its model now. */
  wait: z.boolean().default(false),
});
export type SubmitRequest = z.infer<typeof submitRequestSchema>;

export const submitReplySchema = z.object({
  job: jobIdSchema,
  model: modelNameSchema,
  /** Where credits are on. */
  charge: chargeSchema.optional(),
});
export type SubmitReply = z.infer<typeof submitReplySchema>;

export const cancelRequestSchema = envelopeSchema.extend({ job: jobIdSchema, reason: reasonSchema });
export type CancelRequest = z.infer<typeof cancelRequestSchema>;

/** `cancelled`: by this request; otherwise the job had ended before. */
export const cancelReplySchema = z.object({
  job: jobIdSchema,
  cancelled: z.boolean(),
  /** By which what it had delivered is paid for; absent where nothing is held for it. */
  charge: chargeSchema.optional(),
});
export type CancelReply = z.infer<typeof cancelReplySchema>;

/** Of a client whose job has fallen silent: is its worker still there? */
export const checkRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  worker: workerIdSchema,
  lease: leaseSchema,
});
export type CheckRequest = z.infer<typeof checkRequestSchema>;

/** `givenBack`: the worker was gone, and the job went back to the queue. */
export const checkReplySchema = z.object({ job: jobIdSchema, givenBack: z.boolean() });
export type CheckReply = z.infer<typeof checkReplySchema>;

export const jobStatusSchema = z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']);
export type JobStatus = z.infer<typeof jobStatusSchema>;

export const jobRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  /** Whether the output so far is wanted. */
  withOutput: z.boolean().default(true),
});
export type JobRequest = z.infer<typeof jobRequestSchema>;

const chunkSchema = z.object({
  tokenOffset: z.number().int().nonnegative(),
  textOffset: z.number().int().nonnegative(),
  text: z.string(),
  tokens: z.array(z.number().int().nonnegative()),
});

/** All that the bus knows of a job. */
export const jobViewSchema = z.object({
  job: jobIdSchema,
  status: jobStatusSchema,
  model: modelNameSchema.optional(),
  /** Milliseconds since 1970. */
  acceptedAt: milliseconds.optional(),
  endedAt: milliseconds.optional(),
  attempts: z.array(attemptSchema),
  /** While it waits. */
  place: z.number().int().min(1).optional(),
  estimateMs: z.number().nonnegative().optional(),
  /** The output as far as it is known without a gap. */
  output: chunkSchema.optional(),
  /** Of a sealed job: what only its client can open. */
  sealed: z.object({ pieces: z.array(sealedEventSchema), end: sealedContentSchema.optional() }).optional(),
  /** The last event, once the job has ended. */
  final: jobEventSchema.optional(),
});
export type JobView = z.infer<typeof jobViewSchema>;

export const jobsRequestSchema = envelopeSchema.extend({
  /** Only jobs that ended after this, in milliseconds since 1970; unfinished ones are always told. */
  since: milliseconds,
  limit: z.number().int().min(1).max(1_000).default(100),
});
export type JobsRequest = z.infer<typeof jobsRequestSchema>;

export const jobSummarySchema = z.object({
  job: jobIdSchema,
  status: jobStatusSchema,
  model: modelNameSchema.optional(),
  acceptedAt: milliseconds.optional(),
  endedAt: milliseconds.optional(),
  reason: z.string().optional(),
});
export type JobSummary = z.infer<typeof jobSummarySchema>;

export const jobsReplySchema = z.object({ jobs: z.array(jobSummarySchema) });
export type JobsReply = z.infer<typeof jobsReplySchema>;

/** A worker asks how far the attempts before its own have come. The ticket shows that it was handed the job. */
export const progressRequestSchema = envelopeSchema.extend({
  account: accountSchema,
  job: jobIdSchema,
  ticket: ticketSchema,
  /** In the queue's stream. */
  sequence: z.number().int().nonnegative(),
  /** The asker's own; the answer holds all that came before it said that it has the lease. */
  attempt: z.number().int().min(2),
});
export type ProgressRequest = z.infer<typeof progressRequestSchema>;

export const progressReplySchema = z.object({
  attempts: z.array(attemptSchema),
  output: chunkSchema,
});
export type ProgressReply = z.infer<typeof progressReplySchema>;

/** The answer to a request that was refused. */
export const refusalSchema = z.object({ error: failureSchema });

/** Sent to a job's worker: the content of a sealed one; the job is cancelled; a newer attempt has taken it over. */
export const controlJobSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('content'),
    job: jobIdSchema,
    attempt: z.number().int().min(1),
    content: sealedContentSchema,
  }),
  z.object({ type: z.literal('cancel'), job: jobIdSchema, reason: reasonSchema }),
  z.object({ type: z.literal('fence'), job: jobIdSchema, attempt: z.number().int().min(2) }),
]);
export type ControlJob = z.infer<typeof controlJobSchema>;

/** A client hands the content of a sealed job to the worker that has leased it. */
export const handOverRequestSchema = envelopeSchema.extend({
  job: jobIdSchema,
  worker: workerIdSchema,
  attempt: z.number().int().min(1),
  content: sealedContentSchema,
});
export type HandOverRequest = z.infer<typeof handOverRequestSchema>;

/** `taken`: the worker has it; otherwise it was not reached, or works on that attempt no more. */
export const handOverReplySchema = z.object({ taken: z.boolean() });

/** Sent to a worker itself: it is to take no new job, end its own and leave. */
export const controlWorkerSchema = z.object({ type: z.literal('drain') });
export type ControlWorker = z.infer<typeof controlWorkerSchema>;

/** A final record for an account that cannot read it on the bus; `null` while there is none. */
export const resultRequestSchema = envelopeSchema.extend({ job: jobIdSchema });
export const resultReplySchema = z.object({ result: resultSchema.nullable() });

export const statusRequestSchema = envelopeSchema;
/** A grid as a director sees it: numbers, and no word of a job. */
export const statusReplySchema = z.object({
  directors: z.array(z.object({ id: z.string(), version: z.string() })),
  workers: z.array(heartbeatSchema),
  /** Accepted and not ended. */
  jobs: z.number().int().nonnegative(),
});
export type StatusReply = z.infer<typeof statusReplySchema>;
