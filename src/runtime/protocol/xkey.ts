import { randomBytes } from 'node:crypto';
import { createCurve, fromPublic } from '@nats-io/jwt';
import nacl from 'tweetnacl';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const VERSION = new TextEncoder().encode('xkv1');
const KEY_BYTES = 32;
const { nonceLength } = nacl.box;
/** Most partners whose shared key is remembered. */
const MAX_SHARED = 64;

/**
 * A key pair of NATS for sealing (xkey), with the format `xkv1` of its own libraries: four bytes of version, 24 of nonce,
 * NaCl's box. These agree on a key by curve25519 in JavaScript for each message, which takes longer than all the rest;
 * here it is done once for each partner.
 */
export class Xkey {
  readonly #secret: Uint8Array;
  /** The public part: `X…`. */
  readonly key: string;
  readonly #shared = new Map<string, Uint8Array>();

  constructor() {
    const pair = createCurve();
    this.key = pair.getPublicKey();
    // Two bytes tell what kind of seed it is.
    this.#secret = fromBase32(new TextDecoder().decode(pair.getSeed())).subarray(2, 2 + KEY_BYTES);
  }

  /** @param to a public key @throws Error for what is none */
  seal(message: Uint8Array, to: string): Uint8Array {
    const nonce = randomBytes(nonceLength);
    return Buffer.concat([VERSION, nonce, nacl.box.after(message, nonce, this.#with(to))]);
  }

  /**
   * @param from a public key
   * @returns null for what the owner of that key has not sealed for this one
   * @throws Error for what is no public key
   */
  open(sealed: Uint8Array, from: string): Uint8Array | null {
    const body = VERSION.length + nonceLength;
    if (sealed.length <= body || VERSION.some((byte, place) => sealed[place] !== byte)) return null;
    const nonce = sealed.subarray(VERSION.length, body);
    return nacl.box.open.after(sealed.subarray(body), nonce, this.#with(from));
  }

  #with(partner: string): Uint8Array {
    const known = this.#shared.get(partner);
    if (known) return known;
    const shared = nacl.box.before(publicBytes(partner), this.#secret);
    if (this.#shared.size >= MAX_SHARED) this.#shared.clear();
    this.#shared.set(partner, shared);
    return shared;
  }
}

function publicBytes(key: string): Uint8Array {
  // Checks kind and checksum.
  const isCurve = key.startsWith('X') && fromPublic(key).getPublicKey() === key;
  if (!isCurve) throw new Error('That is no public key to seal for.');
  return fromBase32(key).subarray(1, 1 + KEY_BYTES);
}

/** Of RFC 4648, without padding. */
function fromBase32(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    value = ((value << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >>> bits) & 0xff);
  }
  return Uint8Array.from(bytes);
}
