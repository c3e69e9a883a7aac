import { z } from 'zod';
import { ERROR_CODES } from '../protocol/errors.ts';
import { attemptEndSchema } from '../protocol/events.ts';
import { workerIdSchema } from '../protocol/ids.ts';
import { modelNameSchema } from '../protocol/model.ts';

const attempt = z.number().int().nonnegative();
const count = z.number().int().nonnegative();

/** What a watcher takes of a job's events: kinds, counts and numbers. Text of a prompt or an answer is not read. */
export const jobNewsSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), model: modelNameSchema }),
  z.object({ type: z.literal('waiting'), place: z.number().int().min(1) }),
  z.object({
    type: z.literal('leased'),
    attempt,
    worker: workerIdSchema,
    lease: z.string().max(512).optional(),
  }),
  z.object({ type: z.literal('chunk'), attempt, tokenOffset: count, tokens: z.array(z.unknown()) }),
  z.object({ type: z.literal('sealed'), attempt, tokenOffset: count, tokens: count }),
  z.object({ type: z.literal('retrying'), attempt, end: attemptEndSchema }),
  z.object({
    type: z.literal('done'),
    outcome: z.object({ model: modelNameSchema, outputTokens: count, worker: workerIdSchema.optional() }),
  }),
  z.object({ type: z.literal('failed'), error: z.object({ code: z.enum(ERROR_CODES) }) }),
  z.object({ type: z.literal('cancelled') }),
]);
export type JobNews = z.infer<typeof jobNewsSchema>;
