import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deliveredOf, sealedDelivered } from '../../../src/runtime/director/delivered.ts';
import type { ChunkEvent, SealedEvent } from '../../../src/runtime/protocol/events.ts';

/** An output of words, each a token. */
const outputOf = (words: readonly string[]) => ({ text: words.join(''), tokens: words.map((_, at) => at) });

/** The chunk of a text from one of its words to another. */
function chunkOf(words: readonly string[], from: number, to: number): ChunkEvent {
  const before = outputOf(words.slice(0, from));
  return {
    ...{ type: 'chunk', attempt: 1, tokenOffset: from, textOffset: before.text.length },
    ...{ text: words.slice(from, to).join(''), tokens: outputOf(words).tokens.slice(from, to) },
  };
}

const words = fc.array(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 20 });
/** A text, and pieces of it as [from, to]. */
const pieces = words.chain((all) =>
  fc.record({
    all: fc.constant(all),
    cuts: fc.array(
      fc
        .tuple(fc.nat(all.length), fc.nat(all.length))
        .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]),
    ),
  }),
);

/** How far pieces reach from the start without a gap, by trying each word. */
function reach(cuts: readonly (readonly [number, number])[], length: number): number {
  let reached = 0;
  while (reached < length && cuts.some(([from, to]) => from <= reached && reached < to)) reached += 1;
  return reached;
}

describe('what was delivered', () => {
  test('is all that was shown from the start without a gap, in whatever order and however often', () => {
    fc.assert(
      fc.property(pieces, ({ all, cuts }) => {
        const chunks = cuts.map(([from, to]) => chunkOf(all, from, to));
        const expected = outputOf(all.slice(0, reach(cuts, all.length)));
        expect(deliveredOf(outputOf(all), { chunks })).toEqual(expected);
      }),
    );
  });

  test('is not less by what others publish, and never more than was signed or shown', () => {
    const junk = fc.array(
      fc.record({ at: fc.nat(20), text: fc.string({ maxLength: 5 }), token: fc.nat(50) }),
    );
    fc.assert(
      fc.property(pieces, junk, fc.nat(20), ({ all, cuts }, others, signed) => {
        const shown = cuts.map(([from, to]) => chunkOf(all, from, to));
        const chunks = [
          ...others.map(({ at, text, token }) => ({
            ...chunkOf(all, 0, 0),
            textOffset: at,
            tokenOffset: at,
            text,
            tokens: [token + 100],
          })),
          ...shown,
        ];
        const { tokens } = deliveredOf(outputOf(all), { chunks });
        expect(tokens.length).toBe(reach(cuts, all.length));
        const part = outputOf(all.slice(0, signed));
        const delivered = deliveredOf(part, { chunks });
        expect(part.text.startsWith(delivered.text)).toBe(true);
        expect(delivered.tokens.length).toBeLessThanOrEqual(Math.min(signed, reach(cuts, all.length)));
      }),
    );
  });

  test('begins where the events do once the first of them are forgotten', () => {
    const all = ['a ', 'b ', 'c ', 'd '];
    const chunks = [chunkOf(all, 2, 3), chunkOf(all, 3, 4)];
    expect(deliveredOf(outputOf(all), { chunks }).tokens).toEqual([]);
    expect(deliveredOf(outputOf(all), { chunks }, true)).toEqual(outputOf(all));
    expect(deliveredOf(outputOf(all), { chunks: [] }, true).tokens).toEqual([]);
  });

  test('of a sealed job is counted by its pieces, each once', () => {
    const piece = (tokenOffset: number, tokens: number): SealedEvent => ({
      ...{ type: 'sealed', attempt: 1, tokenOffset, tokens },
      content: Buffer.alloc(256).toString('base64'),
    });
    const sealed = [piece(0, 3), piece(0, 3), piece(3, 2), piece(9, 4)];
    expect(sealedDelivered({ sealed })).toEqual({ tokens: 5, bytes: 512 });
    expect(sealedDelivered({ sealed: [piece(9, 4)] }, true)).toEqual({ tokens: 13, bytes: 256 });
  });
});
