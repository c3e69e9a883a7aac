import { createUser, fromPublic, fromSeed } from '@nats-io/jwt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/runtime/protocol/canonical.ts';
import { accountSchema, newJobId, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import {
  outputSha256,
  type Receipt,
  receiptBytes,
  receiptHash,
  receiptSchema,
} from '../../../src/runtime/protocol/receipt.ts';
import {
  isSigned,
  newUserSeed,
  receiptSigner,
  verifyReceipt,
} from '../../../src/runtime/protocol/receipt-signature.ts';

const SHA = sha256Schema.parse('ab'.repeat(32));

function signed(seed = newUserSeed()): Receipt {
  const signer = receiptSigner(seed);
  return signer.sign({
    job: newJobId(),
    attempt: 2,
    worker: workerIdOf('box', signer.key),
    payTo: accountSchema.parse('erin'),
    modelSha256: SHA,
    inputSha256: SHA,
    outputSha256: SHA,
    counts: { inputTokens: 12, outputTokens: 34 },
    startedAt: 1_000,
    endedAt: 2_000,
  });
}

describe('a receipt', () => {
  it('is signed by the key that it names', async () => {
    expect(isSigned(signed())).toBe(true);
    expect(await verifyReceipt(signed())).toBe(true);
  });

  it('has the signature that NATS’s own library gives and takes', () => {
    const seed = newUserSeed();
    const receipt = signed(seed);
    const signature = Buffer.from(receipt.signature, 'base64url');
    expect(fromPublic(receipt.key).verify(receiptBytes(receipt), signature)).toBe(true);
    const theirs = fromSeed(new TextEncoder().encode(seed)).sign(receiptBytes(receipt));
    expect(isSigned({ ...receipt, signature: Buffer.from(theirs).toString('base64url') })).toBe(true);
  });

  it('is void when any of it is another than what was signed', async () => {
    const receipt = signed();
    const other = 'cd'.repeat(32);
    const changes: Partial<Record<keyof Receipt, unknown>>[] = [
      { job: newJobId() },
      { attempt: 3 },
      { worker: 'box-other' },
      { key: createUser().getPublicKey() },
      { payTo: 'mallory' },
      { modelSha256: other },
      { inputSha256: other },
      { outputSha256: other },
      { counts: { inputTokens: 12, outputTokens: 35 } },
      { counts: { inputTokens: 13, outputTokens: 34 } },
      { startedAt: 999 },
      { endedAt: 2_001 },
      { signature: signed().signature },
    ];
    for (const change of changes) {
      const forged = receiptSchema.parse({ ...receipt, ...change });
      expect(isSigned(forged), Object.keys(change).join()).toBe(false);
      expect(await verifyReceipt(forged)).toBe(false);
      expect(receiptHash(forged)).not.toBe(receiptHash(receipt));
    }
    expect(Object.keys(receipt).filter((key) => !changes.some((change) => key in change))).toEqual([]);
  });

  it('is refused, not thrown over, when its key has a wrong checksum', () => {
    const receipt = signed();
    const key = `${receipt.key.slice(0, -1)}${receipt.key.endsWith('A') ? 'B' : 'A'}`;
    expect(isSigned({ ...receipt, key })).toBe(false);
  });

  it('tells text and tokens apart in the hash of an output', () => {
    expect(outputSha256({ text: 'a', tokens: [1, 2] })).not.toBe(outputSha256({ text: 'a', tokens: [12] }));
  });
});

describe('canonical JSON', () => {
  it('is the same for equal values, whatever the order of their keys, and reads back as the value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('orders the keys of inner objects, and keeps the order of arrays', () => {
    expect(canonicalJson([{ b: 1, a: [{ d: 2, c: undefined }] }, 3])).toBe('[{"a":[{"d":2}],"b":1},3]');
    expect(canonicalJson({ '9': 1, '10': 2 })).toBe('{"10":2,"9":1}');
  });
});
