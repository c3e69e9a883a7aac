import { z } from 'zod';

// Made once and shared: each schema costs some twenty microseconds at start, and each of its checks as much.

/** How many, or how far: 0 or more. */
export const countSchema = z.int().nonnegative();

/** 1 or more: an attempt, a place in a queue, an entry of the ledger, or a size that is never 0. */
export const ordinalSchema = z.int().min(1);

/** Milliseconds since 1970. */
export const timeSchema = countSchema;

/** Milliseconds, fractions allowed. */
export const durationSchema = z.number().nonnegative();

/** How much of a whole, 0 to 1. */
export const fractionSchema = z.number().min(0).max(1);
