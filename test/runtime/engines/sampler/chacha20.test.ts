import { expect, test } from 'vitest';
import { BLOCK_WORDS, chacha20Block } from '../../../../src/runtime/engines/sampler/chacha20.ts';

test('gives the block of RFC 8439, section 2.3.2', () => {
  const key = Uint32Array.from({ length: 8 }, (_, word) => 0x03020100 + word * 0x04040404);
  const nonce = Uint32Array.of(0x09000000, 0x4a000000, 0x00000000);
  const block = new Uint32Array(BLOCK_WORDS);
  chacha20Block(key, 1, nonce, block);
  expect(Buffer.from(block.buffer).toString('hex')).toBe(
    '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
      'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e',
  );
});

test('gives the first block of RFC 8439, appendix A.1, for an all-zero key', () => {
  const block = new Uint32Array(BLOCK_WORDS);
  chacha20Block(new Uint32Array(8), 0, new Uint32Array(3), block);
  expect(Buffer.from(block.buffer).toString('hex')).toBe(
    '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
      'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
  );
});
