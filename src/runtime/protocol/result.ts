import { z } from 'zod';
import { attemptSchema, type FinalEvent, failureSchema, outcomeSchema } from './events.ts';
import { workerIdSchema } from './ids.ts';
import { receiptSchema } from './receipt.ts';

/** The final record of a job. Exactly one is ever kept: the first to be written wins. */
export const resultSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('done'),
    text: z.string(),
    tokens: z.array(z.number().int().nonnegative()),
    outcome: outcomeSchema,
    /** The worker's, by which it is paid. */
    receipt: receiptSchema.optional(),
  }),
  z.object({
    status: z.literal('failed'),
    error: failureSchema,
    attempts: z.array(attemptSchema).optional(),
  }),
  z.object({ status: z.literal('cancelled'), reason: z.string() }),
]);
export type Result = z.infer<typeof resultSchema>;

/**
 * What stands in a result's place while a second or later attempt runs. Whoever writes a result must know the record
 * that it replaces, so an attempt that was overtaken can write none.
 */
export const claimSchema = z.object({
  status: z.literal('claimed'),
  attempt: z.number().int().min(1),
  worker: workerIdSchema,
});
export type Claim = z.infer<typeof claimSchema>;

export const recordSchema = z.union([resultSchema, claimSchema]);

/** The event that tells of a final record. */
export function finalEvent(result: Result, attempt: number): FinalEvent {
  switch (result.status) {
    case 'done':
      return { type: 'done', attempt, outcome: result.outcome };
    case 'failed':
      return {
        type: 'failed',
        attempt,
        error: result.error,
        ...(result.attempts && { attempts: result.attempts }),
      };
    case 'cancelled':
      return { type: 'cancelled', reason: result.reason };
  }
}
