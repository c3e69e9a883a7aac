import { z } from 'zod';
import { jobSchema, laneSchema } from '../protocol/job.ts';

/** What a director keeps of a job that it has accepted, until the job has ended. */
export const acceptedRecordSchema = z.object({
  /** Of the job's message in the queue's stream. */
  sequence: z.number().int().min(1),
  lane: laneSchema,
  job: jobSchema,
});
export type AcceptedRecord = z.infer<typeof acceptedRecordSchema>;
