import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import type { z } from 'zod';
import { type Decoded, decode, encode } from '../protocol/codec.ts';
import { LIMITS } from '../protocol/limits.ts';
import { referenceSchema } from '../protocol/pieces.ts';
import { memberOf } from './identity.ts';
import { dropPieces, type Place, readPieces, writePieces } from './pieces.ts';
import { openArtifacts } from './provision.ts';

/**
 * The message as it travels: itself, or, over {@link LIMITS.messageBytes}, a reference to it by its sha256. It lies in
 * the object store, or, on a grid with keys, in pieces at its place: who may read one object of a store may read all.
 * @param place where it is for, on a grid with keys
 * @throws AipgError `input-invalid` over {@link LIMITS.artifactBytes}, with a key and no place over {@link LIMITS.messageBytes}
 */
export async function encodeLarge(
  connection: NatsConnection,
  message: unknown,
  place?: Place,
): Promise<Uint8Array> {
  const bytes = encode(message, LIMITS.artifactBytes);
  if (bytes.length <= LIMITS.messageBytes) return bytes;
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

/**
 * Parses what {@link encodeLarge} wrote. Never throws for what a message holds; rejects when the bus is gone.
 * @param box of a request or an answer: where a large one lies. Without it, it is kept with the job that it names
 */
export async function decodeLarge<T extends z.ZodType>(
  connection: NatsConnection,
  schema: T,
  bytes: Uint8Array,
  box?: Extract<Place, { box: unknown }>,
): Promise<Decoded<z.infer<T>>> {
  const reference = bytes.length > MAX_REFERENCE_BYTES ? undefined : decode(referenceSchema, bytes);
  if (!reference?.ok) return decode(schema, bytes);
  const { sha256, bytes: size, of } = reference.value.artifact;
  if (memberOf(connection)) {
    // Who asks must not have a director read for it what is kept with a job.
    const place = box && of ? undefined : (box ?? of);
    const message = place && (await readPieces(connection, place, sha256, size));
    if (message === undefined) return { ok: false, reason: `names a missing artifact ${sha256}` };
    // What a director has read makes room; if it is not done now, it is forgotten later.
    if (box?.box.startsWith('in-')) void dropPieces(connection, box, sha256).catch(() => undefined);
    return decode(schema, message, LIMITS.artifactBytes);
  }
  const store = await openArtifacts(connection);
  const info = await store.info(sha256);
  if (info === null || info.size !== size) return { ok: false, reason: `names a missing artifact ${sha256}` };
  const blob = await store.getBlob(sha256);
  if (blob === null || createHash('sha256').update(blob).digest('hex') !== sha256) {
    return { ok: false, reason: `names a damaged artifact ${sha256}` };
  }
  return decode(schema, blob, LIMITS.artifactBytes);
}

/** A reference is no longer than this, so that nothing else is parsed twice. */
const MAX_REFERENCE_BYTES = 384;
