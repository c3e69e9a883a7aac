import { z } from 'zod';
import { accountSchema, clientIdSchema, jobIdSchema } from './ids.ts';
import { LIMITS, PROTOCOL_VERSION } from './limits.ts';
import { modelNameSchema } from './model.ts';
import { countSchema, ordinalSchema, timeSchema } from './numbers.ts';
import { jobInputSchema } from './sealed.ts';
import { textInputSchema } from './text.ts';

export const kindSchema = z.enum(['text']);
export type Kind = z.infer<typeof kindSchema>;

/** A job's place in the queue; each is served more often than the next, and none is left to wait for ever. */
export const tierSchema = z.enum(['priority', 'standard', 'bulk']);
export type Tier = z.infer<typeof tierSchema>;

/**
 * Where in its tier a job waits: `fresh` while its account has few unfinished jobs there, else `backlog`. So one
 * account's thousands do not delay another's first.
 */
export const laneSchema = z.enum(['fresh', 'backlog']);
export type Lane = z.infer<typeof laneSchema>;

/** The same, or, before these two, `own`: where only the workers of the job's own account look. */
export type JobLane = Lane | 'own';

/** What a client asks of a grid. */
export const jobSpecSchema = z.object({
  /** Chosen by the client, so that a submit repeated after a lost answer is still one job. */
  id: jobIdSchema,
  kind: kindSchema.default('text'),
  tier: tierSchema.default('standard'),
  /** Absent: the grid's choice among the models that it serves. */
  model: modelNameSchema.optional(),
  input: textInputSchema,
  /** False: nobody reads the answer as it comes, so that it is told of less often. */
  stream: z.boolean().optional(),
  limits: z
    .object({
      /** From submit to result, in milliseconds. */
      timeoutMs: z.int().min(1).max(LIMITS.timeoutMs).optional(),
      /** The job is refused if it may cost more, in micro-credits; without credits it costs nothing. */
      maxCost: countSchema.optional(),
    })
    .default({}),
});
export type JobSpec = z.infer<typeof jobSpecSchema>;

/** The same as it is submitted: its content may be sealed. */
export const submittedJobSchema = jobSpecSchema.extend({ input: jobInputSchema });
export type SubmittedJob = z.infer<typeof submittedJobSchema>;

/** A job as it waits in the queue: admitted, of an account, for one model. */
export const jobSchema = submittedJobSchema.extend({
  protocol: z.literal(PROTOCOL_VERSION),
  account: accountSchema,
  model: modelNameSchema,
  /** When a director accepted it, in milliseconds since 1970. */
  acceptedAt: timeSchema,
  /** Whose job it is to be given up when that process is gone for good; absent for a detached job. */
  client: clientIdSchema.optional(),
  /** The ledger's entry whose rates hold for it, where the grid keeps a ledger. */
  price: ordinalSchema.optional(),
  /** Attempts before the job was queued again; the queue's own delivery count starts anew. */
  priorAttempts: countSchema.default(0),
});
export type Job = z.infer<typeof jobSchema>;
