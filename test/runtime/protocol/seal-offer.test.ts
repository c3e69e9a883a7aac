import { describe, expect, test } from 'vitest';
import { newJobId, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { newUserSeed, receiptSigner } from '../../../src/runtime/protocol/receipt-signature.ts';
import { PIECE_STEP, SealKeys } from '../../../src/runtime/protocol/seal-keys.ts';
import { faultOfOffer, signOffer } from '../../../src/runtime/protocol/seal-offer.ts';
import { sealedPieceSchema } from '../../../src/runtime/protocol/sealed.ts';

const signer = receiptSigner(newUserSeed());
const [keys, client, other] = [new SealKeys(), new SealKeys(), new SealKeys()];
const offered = { job: newJobId(), attempt: 1, worker: workerIdOf('gpu', signer.key), client: client.key };
const offer = signOffer(offered, keys.key, signer, undefined);
const fault = (said = offered, made = offer, issuer?: string) => faultOfOffer(said, made, issuer, 0);

describe('an offer of a worker to seal for it', () => {
  test('holds for its worker, job, attempt and client, and for no other', () => {
    expect(fault()).toBeUndefined();
    expect(fault({ ...offered, attempt: 2 })).toContain('not signed');
    expect(fault({ ...offered, job: newJobId() })).toContain('not signed');
    expect(fault({ ...offered, client: other.key })).toContain('not signed');
    expect(fault(offered, { ...offer, key: other.key })).toContain('not signed');
  });

  test('cannot be made by another in its name', () => {
    const thief = receiptSigner(newUserSeed());
    expect(fault(offered, signOffer(offered, other.key, thief, undefined))).toContain("not its worker's");
    expect(fault(offered, { ...signOffer(offered, other.key, thief, undefined), by: signer.key })).toContain(
      'not signed',
    );
  });

  test('needs the word of the operator on a grid with keys', () => {
    expect(fault(offered, offer, 'A'.repeat(56))).toContain('not vouched for');
    expect(fault(offered, { ...offer, jwt: 'a.b.c' }, 'A'.repeat(56))).toContain('not vouched for');
  });
});

describe('what is sealed', () => {
  const piece = { attempt: 1, tokenOffset: 0, textOffset: 0, text: 'hello', tokens: [1] };

  test('is opened by the one it is for, from the one who sealed it, and by nobody else', () => {
    const content = keys.seal(piece, client.key, PIECE_STEP);
    expect(client.open(sealedPieceSchema, content, keys.key)).toEqual(piece);
    expect(other.open(sealedPieceSchema, content, keys.key)).toBeUndefined();
    expect(client.open(sealedPieceSchema, content, other.key)).toBeUndefined();
    expect(client.open(sealedPieceSchema, `${content.slice(0, -8)}AAAAAAA=`, keys.key)).toBeUndefined();
    expect(client.open(sealedPieceSchema, 'no base64', keys.key)).toBeUndefined();
  });

  test('has the same size for every short word', () => {
    const sizes = ['a', 'incomprehensibilities', ''].map(
      (text) => keys.seal({ ...piece, text }, client.key, PIECE_STEP).length,
    );
    expect(new Set(sizes).size).toBe(1);
  });
});
