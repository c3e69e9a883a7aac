/** Words of a ChaCha20 block: 512 bits. */
export const BLOCK_WORDS = 16;

/**
 * The ChaCha20 block function of RFC 8439, §2.3, on 32-bit words (bytes read as little-endian).
 * @param key 8 words.
 * @param counter Block counter, 0 to 2^32 − 1.
 * @param nonce 3 words.
 * @param out Receives the block: 16 words.
 */
export function chacha20Block(key: Uint32Array, counter: number, nonce: Uint32Array, out: Uint32Array): void {
  STATE.set(CONSTANTS, 0);
  STATE.set(key, 4);
  STATE[12] = counter;
  STATE.set(nonce, 13);
  out.set(STATE);
  for (let doubleRound = 0; doubleRound < 10; doubleRound++) {
    quarterRound(out, 0, 4, 8, 12);
    quarterRound(out, 1, 5, 9, 13);
    quarterRound(out, 2, 6, 10, 14);
    quarterRound(out, 3, 7, 11, 15);
    quarterRound(out, 0, 5, 10, 15);
    quarterRound(out, 1, 6, 11, 12);
    quarterRound(out, 2, 7, 8, 13);
    quarterRound(out, 3, 4, 9, 14);
  }
  for (let word = 0; word < BLOCK_WORDS; word++) out[word] = at(out, word) + at(STATE, word);
}

/** "expand 32-byte k" */
const CONSTANTS = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/** Scratch for the initial state; the function never yields, so no two calls share it. */
const STATE = new Uint32Array(BLOCK_WORDS);

function quarterRound(words: Uint32Array, ia: number, ib: number, ic: number, id: number): void {
  let a = at(words, ia);
  let b = at(words, ib);
  let c = at(words, ic);
  let d = at(words, id);
  a = (a + b) | 0;
  d = rotateLeft(d ^ a, 16);
  c = (c + d) | 0;
  b = rotateLeft(b ^ c, 12);
  a = (a + b) | 0;
  d = rotateLeft(d ^ a, 8);
  c = (c + d) | 0;
  b = rotateLeft(b ^ c, 7);
  words[ia] = a;
  words[ib] = b;
  words[ic] = c;
  words[id] = d;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function at(words: Uint32Array, index: number): number {
  return words[index] as number;
}
