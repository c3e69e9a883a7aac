import { z } from 'zod';
import { jobIdSchema } from './ids.ts';
import { ordinalSchema } from './numbers.ts';
import { reasonSchema } from './reason.ts';
import { sealedContentSchema } from './seal.ts';

// What a worker is told beside the jobs that it takes.

/** Sent to a job's worker: the content of a sealed one; the job is cancelled; a newer attempt has taken it over. */
export const controlJobSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('content'),
    job: jobIdSchema,
    attempt: ordinalSchema,
    content: sealedContentSchema,
  }),
  z.object({ type: z.literal('cancel'), job: jobIdSchema, reason: reasonSchema }),
  z.object({ type: z.literal('fence'), job: jobIdSchema, attempt: z.int().min(2) }),
]);
export type ControlJob = z.infer<typeof controlJobSchema>;

/** Sent to a worker itself: it is to take no new job, end its own and leave. */
export const controlWorkerSchema = z.object({ type: z.literal('drain') });
export type ControlWorker = z.infer<typeof controlWorkerSchema>;
