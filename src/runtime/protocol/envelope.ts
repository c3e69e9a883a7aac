import { z } from 'zod';

/** Read first, alone: it decides whether the rest can be read at all. */
export const envelopeSchema = z.object({ protocol: z.int() });
