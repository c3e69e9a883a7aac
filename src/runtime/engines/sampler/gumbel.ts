import type { Seed } from '../../protocol/text.ts';
import { BLOCK_WORDS, chacha20Block } from './chacha20.ts';

/** Standard Gumbel noise for an output position and a token id; the same for the same arguments, always finite. */
export type GumbelNoise = (position: number, token: number) => number;

/**
 * Noise that depends on seed, position and token alone: −ln(−ln u), u from the ChaCha20 block whose key is the
 * seed, whose nonce is the position (64 bits, little-endian, then 32 zero bits) and whose counter is the token id.
 */
export function gumbelNoise(seed: Seed): GumbelNoise {
  const key = keyOf(seed);
  const nonce = new Uint32Array(3);
  const block = new Uint32Array(BLOCK_WORDS);
  return (position, token) => {
    nonce[0] = position;
    nonce[1] = position / 2 ** 32;
    chacha20Block(key, token, nonce, block);
    return -Math.log(-Math.log(uniform(block[0] ?? 0, block[1] ?? 0)));
  };
}

/**
 * An odd multiple of 2^−53: uniform over 2^52 values, never 0 or 1, and exact in a double.
 * @param high All 32 bits are used.
 * @param low The upper 20 bits are used.
 */
export function uniform(high: number, low: number): number {
  return (high * 2 ** 20 + (low >>> 12) + 0.5) / 2 ** 52;
}

function keyOf(seed: Seed): Uint32Array {
  const bytes = Buffer.from(seed, 'hex');
  return Uint32Array.from({ length: 8 }, (_, word) => bytes.readUInt32LE(word * 4));
}
