import { z } from 'zod';
import { attemptSchema, type FinalEvent, failureSchema, outcomeSchema } from './events.ts';
import { workerIdSchema } from './ids.ts';
import { countSchema, ordinalSchema, timeSchema } from './numbers.ts';
import { partSchema } from './part.ts';
import { receiptSchema } from './receipt.ts';
import { sealedContentSchema } from './seal.ts';

/**
 * What stands in a result's place while a second or later attempt runs. Whoever writes a result must know the record
 * that it replaces, so an attempt that was overtaken can write none.
 */
export const claimSchema = z.object({
  status: z.literal('claimed'),
  attempt: ordinalSchema,
  worker: workerIdSchema,
});
export type Claim = z.infer<typeof claimSchema>;

/** Of a job that ended before it was done. */
const endedEarly = {
  /** The claim that its end replaced: whose work there was to be paid for. */
  claim: claimSchema.optional(),
  /** What its worker has streamed until then; it is put there once, after the end or with it. */
  part: partSchema.optional(),
  /** When it ended, in milliseconds since 1970, where the record was written anew since. */
  endedAt: timeSchema.optional(),
};

/** The final record of a job. Exactly one is ever kept: the first to be written wins. */
export const resultSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('done'),
    text: z.string(),
    tokens: z.array(countSchema),
    outcome: outcomeSchema,
    /** Of a sealed job: text and tokens, which are empty then. */
    sealed: sealedContentSchema.optional(),
    /** The worker's, by which it is paid. */
    receipt: receiptSchema.optional(),
  }),
  z.object({
    status: z.literal('failed'),
    error: failureSchema,
    /** Of a sealed job: what the error says. */
    sealed: sealedContentSchema.optional(),
    attempts: z.array(attemptSchema).optional(),
    ...endedEarly,
  }),
  z.object({ status: z.literal('cancelled'), reason: z.string(), ...endedEarly }),
]);
export type Result = z.infer<typeof resultSchema>;

/** A job that ended as its asker wished before it was done: cancelled, or at its time limit. */
export type CutShort = Extract<Result, { status: 'cancelled' | 'failed' }>;

/** Whether what was delivered of a job is paid for although it is not done. */
export function isCutShort(result: Result): result is CutShort {
  return result.status === 'cancelled' || (result.status === 'failed' && result.error.code === 'timeout');
}

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
        ...(result.sealed !== undefined && { sealed: result.sealed }),
        ...(result.attempts && { attempts: result.attempts }),
      };
    case 'cancelled':
      return { type: 'cancelled', reason: result.reason };
  }
}

/** A final record for an account that cannot read it on the bus; `null` while there is none. */
export const resultReplySchema = z.object({ result: resultSchema.nullable() });
