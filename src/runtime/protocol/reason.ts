import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** Why something was cancelled, or a worker is paused, in its own words. */
export const reasonSchema = z.string().max(LIMITS.reasonLength);
