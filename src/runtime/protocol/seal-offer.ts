import { decode } from '@nats-io/jwt';
import { z } from 'zod';
import { isWorkerOf, type JobId, type WorkerId } from './ids.ts';
import { isSignedBy, type ReceiptSigner } from './receipt-signature.ts';
import { offerBytes, type SealOffer } from './seal.ts';

export interface Offered {
  readonly job: JobId;
  readonly attempt: number;
  readonly worker: WorkerId;
  /** The client's public xkey. */
  readonly client: string;
}

/** @param key the worker's public xkey, for this attempt @param jwt of the worker's key, on a grid that has keys */
export function signOffer(
  offered: Offered,
  key: string,
  signer: ReceiptSigner,
  jwt: string | undefined,
): SealOffer {
  const signature = signer.signBytes(offerBytes({ ...offered, key }));
  return { key, by: signer.key, signature, ...(jwt !== undefined && { jwt }) };
}

/**
 * What is wrong with an offer, as the end of a sentence; `undefined`: the worker of that id has made it for this attempt
 * and this client.
 * @param issuer the public key by which a grid's operator vouches for its members; `undefined`: it has no keys
 */
export function faultOfOffer(
  offered: Offered,
  { key, by, signature, jwt }: SealOffer,
  issuer: string | undefined,
  now: number,
): string | undefined {
  if (!isWorkerOf(offered.worker, by)) return "names a key that is not its worker's";
  if (!isSignedBy(by, offerBytes({ ...offered, key }), signature)) return 'is not signed by its key';
  if (issuer === undefined) return undefined;
  const claims = claimsSchema.safeParse(jwt === undefined ? undefined : verified(jwt));
  if (!claims.success || claims.data.iss !== issuer || claims.data.sub !== by) {
    return "is not vouched for by the grid's operator";
  }
  const { exp, nats } = claims.data;
  if (exp !== undefined && exp * 1_000 < now) return 'is by a key that has expired';
  const isWorker = nats.tags.includes('role:worker') && nats.tags.includes(`worker:${offered.worker}`);
  return isWorker || nats.tags.includes('role:operator') ? undefined : 'is by the key of another role';
}

/** The key that has signed a member's JWT; `undefined` for a text that is none. */
export function issuerOf(jwt: string): string | undefined {
  return z.object({ iss: z.string() }).safeParse(verified(jwt)).data?.iss;
}

const claimsSchema = z.object({
  sub: z.string(),
  iss: z.string(),
  exp: z.number().optional(),
  nats: z.object({ tags: z.array(z.string()) }),
});

/** What a JWT says, once its signature is checked. */
function verified(jwt: string): unknown {
  try {
    return decode(jwt);
  } catch {
    return undefined;
  }
}
