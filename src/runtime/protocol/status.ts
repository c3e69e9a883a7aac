import { z } from 'zod';
import { countSchema } from './numbers.ts';
import { heartbeatSchema } from './worker.ts';

/** A grid as a director sees it: numbers, and no word of a job. */
export const statusReplySchema = z.object({
  directors: z.array(z.object({ id: z.string(), version: z.string() })),
  workers: z.array(heartbeatSchema),
  /** Accepted and not ended. */
  jobs: countSchema,
});
export type StatusReply = z.infer<typeof statusReplySchema>;
