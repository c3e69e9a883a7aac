import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeLarge, encodeLarge } from '../../../src/runtime/bus/artifacts.ts';
import { openArtifacts, provision } from '../../../src/runtime/bus/provision.ts';
import { LIMITS } from '../../../src/runtime/protocol/limits.ts';
import { connectedBus } from '../../support/connected-bus.ts';

const schema = z.object({ text: z.string() });
const { connection } = await connectedBus();
await provision(connection);

const ofLength = (length: number) => ({ text: 'ä'.repeat(length / 2) });

describe('a message', () => {
  test.each([10, 200_000])('of %i bytes travels as it is', async (length) => {
    const bytes = await encodeLarge(connection, ofLength(length));
    expect(bytes.length).toBeGreaterThan(length);
    expect(await decodeLarge(connection, schema, bytes)).toEqual({ ok: true, value: ofLength(length) });
  });

  test.each([300_000, 20_000_000])('of %i bytes travels as a reference, and comes whole', async (length) => {
    const bytes = await encodeLarge(connection, ofLength(length));
    expect(bytes.length).toBeLessThan(200);
    expect(await decodeLarge(connection, schema, bytes)).toEqual({ ok: true, value: ofLength(length) });
  });

  test('over the limit is refused before anything is sent', async () => {
    await expect(encodeLarge(connection, ofLength(LIMITS.artifactBytes))).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringContaining(String(LIMITS.artifactBytes)),
    });
  });

  test('whose artifact is missing, or is another than its name says, is a value to be refused', async () => {
    const { artifact } = JSON.parse(
      Buffer.from(await encodeLarge(connection, ofLength(400_000))).toString(),
    ) as {
      artifact: { sha256: string; bytes: number };
    };
    const refer = (change: object) => Buffer.from(JSON.stringify({ artifact: { ...artifact, ...change } }));
    const missing = await decodeLarge(connection, schema, refer({ sha256: '0'.repeat(64) }));
    expect(missing).toMatchObject({ ok: false, reason: expect.stringContaining('missing') });
    const store = await openArtifacts(connection);
    await store.putBlob({ name: artifact.sha256 }, new Uint8Array(artifact.bytes));
    const damaged = await decodeLarge(connection, schema, refer({}));
    expect(damaged).toMatchObject({ ok: false, reason: expect.stringContaining('damaged') });
  });
});
