import { z } from 'zod';
import { workerIdSchema } from './ids.ts';
import { LIMITS } from './limits.ts';
import { modelFactsSchema, modelNameSchema } from './model.ts';
import { countSchema, fractionSchema, timeSchema } from './numbers.ts';
import { reasonSchema } from './reason.ts';

/** `paused`: it takes no job until its engine has passed a check, because several in a row have failed on it. */
export const workerStateSchema = z.enum(['loading', 'serving', 'paused', 'draining']);
export type WorkerState = z.infer<typeof workerStateSchema>;

/** Where a worker stands, in its owner's words: `eu-west`, `berlin`. */
export const regionSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a-z, 0-9 and -')
  .brand<'Region'>();
export type Region = z.infer<typeof regionSchema>;

/** What a worker says of itself every few seconds. Nothing in it is proof of anything. */
export const heartbeatSchema = z.object({
  protocol: z.int(),
  worker: workerIdSchema,
  version: z.string().max(32),
  region: regionSchema.optional(),
  state: workerStateSchema,
  /** Why it is paused. */
  reason: reasonSchema.optional(),
  /** What it is about to serve, and the share that is loaded, 0 to 1. */
  loading: z.object({ model: modelNameSchema, fraction: fractionSchema }).optional(),
  models: z.array(modelFactsSchema).max(64),
  slots: z.object({
    total: z.int().min(1).max(LIMITS.slots),
    busy: z.int().min(0).max(LIMITS.slots),
  }),
  /** Since it started. */
  jobs: z.object({ done: countSchema, failed: countSchema }),
  /** Milliseconds since 1970. */
  startedAt: timeSchema,
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
