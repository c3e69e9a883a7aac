import { z } from 'zod';

// Made once and shared: a schema takes a program that starts some twenty microseconds, and each of its checks as much.

/** How many, or how far: 0 or more. */
export const countSchema = z.int().nonnegative();

/** What is counted from 1: an attempt, a place in a queue, an entry of the ledger. */
export const ordinalSchema = z.int().min(1);

/** Milliseconds since 1970. */
export const timeSchema = countSchema;

/** Milliseconds, fractions allowed. */
export const durationSchema = z.number().nonnegative();

/** How much of a whole, 0 to 1. */
export const fractionSchema = z.number().min(0).max(1);
