import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { userKeySchema } from './credentials.ts';
import type { JobId, WorkerId } from './ids.ts';
import { LIMITS } from './limits.ts';

// A sealed job's content goes from its client to the worker that has leased it, and back, encrypted between the two:
// by the curve25519 keys of NATS (xkeys), which both make for this one job and forget.

/** A public xkey. */
export const sealKeySchema = z.string().regex(/^X[A-Z2-7]{55}$/, 'is not a public curve key');

/** What {@link SealKeys} has sealed, in base64. */
export const sealedContentSchema = z
  .base64()
  .min(1)
  .max(2 * LIMITS.artifactBytes);

/** A worker's word that content for its attempt is to be sealed to this key of its own. */
export const sealOfferSchema = z.object({
  key: sealKeySchema,
  /** The worker's public user key, from which its id is derived. */
  by: userKeySchema,
  /** Of {@link offerBytes}, by that key. */
  signature: z.string().regex(/^[\w-]{86}$/, 'must be 86 characters of base64url'),
  /** On a grid with keys: by which the grid's operator vouches that the key is a worker's. */
  jwt: z.string().max(16_384).optional(),
});
export type SealOffer = z.infer<typeof sealOfferSchema>;

/** What a worker signs: which key, for which attempt of which job of which client. */
export function offerBytes(offer: {
  readonly job: JobId;
  readonly attempt: number;
  readonly worker: WorkerId;
  /** Of the worker, for this attempt. */
  readonly key: string;
  /** Of the client, as the worker found it in the job. */
  readonly client: string;
}): Uint8Array {
  const { job, attempt, worker, key, client } = offer;
  return new TextEncoder().encode(`aipg seal 1\n${canonicalJson({ job, attempt, worker, key, client })}`);
}
