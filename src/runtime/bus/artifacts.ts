import type { NatsConnection } from '@nats-io/transport-node';
import type { z } from 'zod';
import { type Decoded, decode, encode, mayHold } from '../protocol/codec.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Place } from './pieces.ts';

/**
 * The message as it travels: itself, or, over {@link LIMITS.messageBytes}, a reference to it by its sha256.
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
  const { putArtifact } = await import('./artifact-store.ts');
  return await putArtifact(connection, message, bytes, place);
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
  if (bytes.length > MAX_REFERENCE_BYTES || !mayHold(bytes, 'artifact')) return decode(schema, bytes);
  // What most messages never need: a program that starts should not load it.
  const [{ referenceSchema }, { getArtifact }] = await Promise.all([
    import('../protocol/pieces.ts'),
    import('./artifact-store.ts'),
  ]);
  const reference = decode(referenceSchema, bytes);
  if (!reference.ok) return decode(schema, bytes);
  const artifact = await getArtifact(connection, reference.value.artifact, box);
  if (typeof artifact === 'string') return { ok: false, reason: artifact };
  return decode(schema, artifact, LIMITS.artifactBytes);
}

/** A reference is no longer than this, so that nothing else is parsed twice. */
const MAX_REFERENCE_BYTES = 384;
