import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { type Decoded, decode, encode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { LIMITS } from '../protocol/limits.ts';
import { sha256Schema } from '../protocol/model.ts';
import { memberOf } from './identity.ts';
import { openArtifacts } from './provision.ts';

/** What travels in place of a message that is too large for the bus. */
const referenceSchema = z.object({
  artifact: z.object({
    sha256: sha256Schema,
    bytes: z.number().int().min(1).max(LIMITS.artifactBytes),
  }),
});

/**
 * The message as it travels: itself, or, over {@link LIMITS.messageBytes}, a reference to it in the object store,
 * where it lies under its sha256. A grid with keys has no object store: who may read one object may read them all.
 * @throws AipgError `input-invalid` over {@link LIMITS.artifactBytes}, with a key over {@link LIMITS.messageBytes}
 */
export async function encodeLarge(connection: NatsConnection, message: unknown): Promise<Uint8Array> {
  const bytes = encode(message, LIMITS.artifactBytes);
  if (bytes.length <= LIMITS.messageBytes) return bytes;
  if (memberOf(connection)) {
    const size = Math.ceil(bytes.length / 1024);
    const most = LIMITS.messageBytes / 1024;
    throw new AipgError(
      'input-invalid',
      `A grid with keys carries messages of up to ${most} KiB; this one has ${size}.`,
      {
        hint: 'Leave something out, or answer on this machine with --grid local.',
      },
    );
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const store = await openArtifacts(connection);
  const existing = await store.info(sha256);
  if (existing?.size !== bytes.length) await store.putBlob({ name: sha256 }, bytes);
  return encode({ artifact: { sha256, bytes: bytes.length } });
}

/** Parses what {@link encodeLarge} wrote. Never throws for what a message holds; rejects when the bus is gone. */
export async function decodeLarge<T extends z.ZodType>(
  connection: NatsConnection,
  schema: T,
  bytes: Uint8Array,
): Promise<Decoded<z.infer<T>>> {
  const reference = bytes.length > MAX_REFERENCE_BYTES ? undefined : decode(referenceSchema, bytes);
  if (!reference?.ok) return decode(schema, bytes);
  const { sha256, bytes: size } = reference.value.artifact;
  if (memberOf(connection))
    return { ok: false, reason: 'names an artifact, which a grid with keys does not carry' };
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
const MAX_REFERENCE_BYTES = 256;
