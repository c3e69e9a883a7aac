import { z } from 'zod';
import { ERROR_CODES } from '../protocol/errors.ts';
import { attemptEndSchema } from '../protocol/events.ts';
import { workerIdSchema } from '../protocol/ids.ts';
import { modelNameSchema } from '../protocol/model.ts';
import { countSchema, ordinalSchema } from '../protocol/numbers.ts';

/** What a watcher takes of a job's events: kinds, counts and numbers. Text of a prompt or an answer is not read. */
export const jobNewsSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), model: modelNameSchema }),
  z.object({ type: z.literal('waiting'), place: ordinalSchema }),
  z.object({
    type: z.literal('leased'),
    attempt: countSchema,
    worker: workerIdSchema,
    lease: z.string().max(512).optional(),
  }),
  z.object({
    type: z.literal('chunk'),
    attempt: countSchema,
    tokenOffset: countSchema,
    tokens: z.array(z.unknown()),
  }),
  z.object({
    type: z.literal('sealed'),
    attempt: countSchema,
    tokenOffset: countSchema,
    tokens: countSchema,
  }),
  z.object({ type: z.literal('retrying'), attempt: countSchema, end: attemptEndSchema }),
  z.object({
    type: z.literal('done'),
    outcome: z.object({
      model: modelNameSchema,
      outputTokens: countSchema,
      worker: workerIdSchema.optional(),
    }),
  }),
  z.object({ type: z.literal('failed'), error: z.object({ code: z.enum(ERROR_CODES) }) }),
  z.object({ type: z.literal('cancelled') }),
]);
export type JobNews = z.infer<typeof jobNewsSchema>;
