import { z } from 'zod';
import { envelopeSchema } from './envelope.ts';
import { leaseSchema } from './events.ts';
import { accountSchema, jobIdSchema, ticketSchema } from './ids.ts';
import { kindSchema, laneSchema, tierSchema } from './job.ts';
import { modelNameSchema } from './model.ts';
import { countSchema, ordinalSchema } from './numbers.ts';
import { partSchema } from './part.ts';
import { resultSchema } from './result.ts';
import { heartbeatSchema, workerStateSchema } from './worker.ts';

// What a worker with a key asks of a director, who does it on the bus in the worker's stead.

/** The queues of a model, made where they are not there yet. */
export const provisionRequestSchema = envelopeSchema.extend({ kind: kindSchema, model: modelNameSchema });
export const provisionReplySchema = z.object({
  queues: z.array(z.object({ tier: tierSchema, lane: laneSchema, consumer: z.string() })).max(64),
});

/** One request for a job, as JetStream takes it; the job comes to the reply subject. */
export const nextRequestSchema = envelopeSchema.extend({
  kind: kindSchema,
  tier: tierSchema,
  lane: laneSchema,
  model: modelNameSchema,
  /** How long it may wait for one, in milliseconds; 0: only one that is there. */
  expiresMs: z.int().min(0).max(60_000),
});
export type NextRequest = z.infer<typeof nextRequestSchema>;

/** The queues of the asker's own account, made where they are not there yet. */
export const ownProvisionReplySchema = z.object({
  queues: z.array(z.object({ tier: tierSchema, lane: z.literal('own'), consumer: z.string() })).max(8),
});

/** The same for a job of the asker's own account. */
export const ownNextRequestSchema = nextRequestSchema.omit({ lane: true });
export type OwnNextRequest = z.infer<typeof ownNextRequestSchema>;

/** Told to all directors: for which models a worker takes its own account's jobs, while its state is `serving`. */
export const ownStateSchema = envelopeSchema.extend({
  models: z.array(modelNameSchema).max(64),
  state: z.enum([...workerStateSchema.options, 'left']),
});
export type OwnState = z.infer<typeof ownStateSchema>;

/** What is said of a lease: renewed, acknowledged, given back, refused. */
export const leaseRequestSchema = envelopeSchema.extend({
  lease: leaseSchema,
  word: z.string().regex(/^(?:\+WPI|\+ACK|-NAK(?: \{"delay":\d{1,15}\})?|\+TERM [^\r\n]{0,500})$/),
});

/** A job, and what came with it from the queue: that it was handed out to the worker. */
const handedOutSchema = envelopeSchema.extend({
  account: accountSchema,
  job: jobIdSchema,
  ticket: ticketSchema,
  /** In the queue's stream. */
  sequence: countSchema,
});

export const claimRequestSchema = handedOutSchema.extend({
  attempt: ordinalSchema,
});
export const claimReplySchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('claimed'), sequence: countSchema }),
  z.object({ outcome: z.literal('overtaken') }),
  z.object({ outcome: z.literal('ended'), result: resultSchema }),
]);

export const finishRequestSchema = handedOutSchema.extend({
  /** Of the worker's own claim; 0 for a first attempt, which has none. */
  expected: countSchema,
  result: resultSchema,
});
/** Without either, the claim was not the worker's newest. */
export const finishReplySchema = z.object({ written: z.boolean(), result: resultSchema.optional() });

/** What a worker has streamed of a job that was ended over its head. */
export const partRequestSchema = handedOutSchema.extend({ part: partSchema });
/** Not, where the job has not ended so, or its part is there already. */
export const partReplySchema = z.object({ written: z.boolean() });

/** `null`: the worker takes its leave. */
export const beatRequestSchema = envelopeSchema.extend({ heartbeat: heartbeatSchema.nullable() });

export const doneReplySchema = z.object({ done: z.literal(true) });
