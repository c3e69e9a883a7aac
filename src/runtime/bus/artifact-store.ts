import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { encode } from '../protocol/codec.ts';
import type { Reference } from '../protocol/pieces.ts';
import { memberOf } from './identity.ts';
import { dropPieces, type Place, readPieces, writePieces } from './pieces.ts';
import { openArtifacts } from './provision.ts';

// Where messages lie that are too large for the bus: in the object store, or, on a grid with keys, in pieces at their
// place, for who may read one object of a store may read all.

/**
 * Keeps a message and returns what refers to it.
 * @param place where it is for, on a grid with keys
 * @throws AipgError `input-invalid` with a key and no place
 */
export async function putArtifact(
  connection: NatsConnection,
  message: unknown,
  bytes: Uint8Array,
  place: Place | undefined,
): Promise<Uint8Array> {
  if (memberOf(connection)) {
    if (place === undefined) return encode(message);
    const of = 'box' in place ? undefined : { account: place.account, job: place.job };
    const sha256 = await writePieces(connection, place, bytes);
    return encode({ artifact: { sha256, bytes: bytes.length, ...(of && { of }) } });
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const store = await openArtifacts(connection);
  const existing = await store.info(sha256);
  if (existing?.size !== bytes.length) await store.putBlob({ name: sha256 }, bytes);
  return encode({ artifact: { sha256, bytes: bytes.length } });
}

/** What a reference means; a text: what is wrong with it, as the end of a sentence. */
export async function getArtifact(
  connection: NatsConnection,
  { sha256, bytes: size, of }: Reference['artifact'],
  box: Extract<Place, { box: unknown }> | undefined,
): Promise<Uint8Array | string> {
  if (memberOf(connection)) {
    // Who asks must not have a director read for it what is kept with a job.
    const place = box && of ? undefined : (box ?? of);
    const message = place && (await readPieces(connection, place, sha256, size));
    if (message === undefined) return `names a missing artifact ${sha256}`;
    // What a director has read makes room; if it is not done now, it is forgotten later.
    if (box?.box.startsWith('in-')) void dropPieces(connection, box, sha256).catch(() => undefined);
    return message;
  }
  const store = await openArtifacts(connection);
  const info = await store.info(sha256);
  if (info === null || info.size !== size) return `names a missing artifact ${sha256}`;
  const blob = await store.getBlob(sha256);
  const isWhole = blob !== null && createHash('sha256').update(blob).digest('hex') === sha256;
  return isWhole ? blob : `names a damaged artifact ${sha256}`;
}
