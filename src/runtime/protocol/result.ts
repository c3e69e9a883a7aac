import { z } from 'zod';
import { type FinalEvent, failureSchema, outcomeSchema } from './events.ts';

/** The final record of a job. Exactly one is ever kept: the first to be written wins. */
export const resultSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('done'),
    text: z.string(),
    tokens: z.array(z.number().int().nonnegative()),
    outcome: outcomeSchema,
  }),
  z.object({ status: z.literal('failed'), error: failureSchema }),
  z.object({ status: z.literal('cancelled'), reason: z.string() }),
]);
export type Result = z.infer<typeof resultSchema>;

/** The event that tells of a final record. */
export function finalEvent(result: Result, attempt: number): FinalEvent {
  switch (result.status) {
    case 'done':
      return { type: 'done', attempt, outcome: result.outcome };
    case 'failed':
      return { type: 'failed', attempt, error: result.error };
    case 'cancelled':
      return { type: 'cancelled', reason: result.reason };
  }
}
