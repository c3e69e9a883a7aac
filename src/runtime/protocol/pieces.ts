import { z } from 'zod';
import { envelopeSchema } from './envelope.ts';
import { accountSchema, jobIdSchema } from './ids.ts';
import { LIMITS } from './limits.ts';
import { sha256Schema } from './model.ts';
import { countSchema } from './numbers.ts';

// On a grid with keys a message that is too large for the bus travels in pieces.

/** Of each piece but the last. In base64, with all around it, it is a message that the bus takes. */
export const PIECE_BYTES = 160 * 1024;

const MAX_PIECES = Math.ceil(LIMITS.artifactBytes / PIECE_BYTES);
/** Characters of a piece in base64. */
const MAX_DATA = Math.ceil(PIECE_BYTES / 3) * 4;

const bytes = z.int().min(1).max(LIMITS.artifactBytes);
const piece = countSchema.max(MAX_PIECES - 1);
/** Whose job a message belongs to: to know the id of a job shows that one was given it. */
const jobOfSchema = z.object({ account: accountSchema, job: jobIdSchema });

/** What travels in place of a message that is too large for the bus. */
export const referenceSchema = z.object({
  artifact: z.object({
    sha256: sha256Schema,
    bytes,
    /** Where it is kept with a job; without it, it is on its way between one who asks and a director. */
    of: jobOfSchema.optional(),
  }),
});
export type Reference = z.infer<typeof referenceSchema>;

/** One piece of a request that follows. */
export const putRequestSchema = envelopeSchema.extend({
  sha256: sha256Schema,
  bytes,
  piece,
  data: z.string().max(MAX_DATA),
});
export type PutRequest = z.infer<typeof putRequestSchema>;

/** One piece of an answer, or, for a worker, of what is kept with a job. */
export const getRequestSchema = envelopeSchema.extend({
  sha256: sha256Schema,
  piece,
  of: jobOfSchema.optional(),
});
export type GetRequest = z.infer<typeof getRequestSchema>;

/** `null`: it is not there, or no more. */
export const getReplySchema = z.object({ data: z.string().max(MAX_DATA).nullable() });

export function pieceCount(size: number): number {
  return Math.ceil(size / PIECE_BYTES);
}

/** Of the piece with this number, from 0, in a message of so many bytes. */
export function pieceBytes(size: number, number: number): number {
  return Math.max(0, Math.min(PIECE_BYTES, size - number * PIECE_BYTES));
}
