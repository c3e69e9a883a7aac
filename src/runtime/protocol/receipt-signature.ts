import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { createUser, fromPublic, fromSeed } from '@nats-io/jwt';
import { type Receipt, type ReceiptStatement, receiptBytes } from './receipt.ts';

// The keys are NATS's own (nkeys); what they sign is signed by Node, which is a hundred times as fast as their library
// and gives the same signatures.

/** Public keys kept as Node needs them. */
const MAX_KEYS = 1_000;
const verifyBeside = promisify(verify);
const publicKeys = new Map<string, KeyObject>();

/** A key pair that may sign receipts. */
export interface ReceiptSigner {
  /** The public key: `U…`. */
  readonly key: string;
  sign(statement: Omit<ReceiptStatement, 'key'>): Receipt;
  /** @param bytes which say first what they are, so that no other signature of the key can stand for theirs */
  signBytes(bytes: Uint8Array): string;
}

/** The seed of a new user key. */
export function newUserSeed(): string {
  return new TextDecoder().decode(createUser().getSeed());
}

/** @param seed of a user key: `SU…` */
export function receiptSigner(seed: string): ReceiptSigner {
  const key = fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  // A seed has two bytes of prefix, then the 32 of RFC 8032's private key.
  const d = decodeBase32(seed).subarray(2, 34).toString('base64url');
  const privateKey = createPrivateKey({ key: { ...jwkOf(key), d }, format: 'jwk' });
  const signBytes = (bytes: Uint8Array) => sign(null, bytes, privateKey).toString('base64url');
  return {
    key,
    signBytes,
    sign: (said) => {
      const statement: ReceiptStatement = { ...said, key };
      return { ...statement, signature: signBytes(receiptBytes(statement)) };
    },
  };
}

/** Whether the key that a receipt names has signed it. That the key is its worker's is another question. */
export function isSigned(receipt: Receipt): boolean {
  return isSignedBy(receipt.key, receiptBytes(receipt), receipt.signature);
}

/** @param key `U…` @param signature in base64url */
export function isSignedBy(key: string, bytes: Uint8Array, signature: string): boolean {
  try {
    return verify(null, bytes, publicKeyOf(key), Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

/** As {@link isSigned}, beside this thread: it takes a tenth of a millisecond. */
export async function verifyReceipt(receipt: Receipt): Promise<boolean> {
  try {
    const signature = Buffer.from(receipt.signature, 'base64url');
    return await verifyBeside(null, receiptBytes(receipt), publicKeyOf(receipt.key), signature);
  } catch {
    return false;
  }
}

function publicKeyOf(key: string): KeyObject {
  const known = publicKeys.get(key);
  if (known) return known;
  const made = createPublicKey({ key: jwkOf(key), format: 'jwk' });
  if (publicKeys.size >= MAX_KEYS) publicKeys.clear();
  publicKeys.set(key, made);
  return made;
}

/** @throws when the key's prefix or checksum is wrong */
function jwkOf(key: string): { kty: 'OKP'; crv: 'Ed25519'; x: string } {
  fromPublic(key);
  // One byte of prefix, the key, two of checksum.
  return { kty: 'OKP', crv: 'Ed25519', x: decodeBase32(key).subarray(1, 33).toString('base64url') };
}

/** RFC 4648, without padding. */
function decodeBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    value = ((value << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >>> bits) & 0xff);
  }
  return Buffer.from(bytes);
}
