import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChunkEvent } from '../../../src/runtime/protocol/events.ts';
import { Transcript } from '../../../src/runtime/protocol/transcript.ts';

/** An output of one token per word, cut into chunks in an attempt's own way. */
interface Output {
  readonly words: readonly string[];
}

function chunk({ words }: Output, attempt: number, from: number, to: number): ChunkEvent {
  return {
    type: 'chunk',
    attempt,
    tokenOffset: from,
    textOffset: words.slice(0, from).join('').length,
    text: words.slice(from, to).join(''),
    tokens: Array.from({ length: to - from }, (_, i) => from + i),
  };
}

function chunksOf(output: Output, attempt: number, cuts: readonly number[], until: number): ChunkEvent[] {
  const ends = [...new Set([...cuts.filter((cut) => cut < until), until])].sort((a, b) => a - b);
  let from = 0;
  return ends
    .filter((end) => end > 0)
    .map((end) => {
      const piece = chunk(output, attempt, from, end);
      from = end;
      return piece;
    });
}

const outputs = fc.array(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 30 });

describe('a transcript', () => {
  test('of attempts that break off and start anew is the output, without a gap or a repeat', () => {
    fc.assert(
      fc.property(
        outputs,
        fc.array(fc.tuple(fc.nat(30), fc.array(fc.nat(30))), { maxLength: 4 }),
        fc.array(fc.nat(30)),
        (words, broken, lastCuts) => {
          const output = { words };
          const transcript = new Transcript();
          let shown = '';
          const attempts = [
            ...broken.flatMap(([until, cuts], i) =>
              chunksOf(output, i + 1, cuts, Math.min(until, words.length)),
            ),
            ...chunksOf(output, broken.length + 1, lastCuts, words.length),
          ];
          for (const piece of attempts) shown += transcript.add(piece) ?? '';
          expect(transcript.text).toBe(words.join(''));
          expect(transcript.tokens).toEqual(words.map((_, i) => i));
          expect(shown).toBe(transcript.text);
        },
      ),
    );
  });

  test('with every chunk said twice is the same', () => {
    fc.assert(
      fc.property(outputs, fc.array(fc.nat(30)), (words, cuts) => {
        const transcript = new Transcript();
        for (const piece of chunksOf({ words }, 1, cuts, words.length)) {
          transcript.add(piece);
          expect(transcript.add(piece)).toBe('');
        }
        expect(transcript.text).toBe(words.join(''));
      }),
    );
  });

  test('ignores what an older attempt says late', () => {
    const transcript = new Transcript();
    const output = { words: ['a', 'b', 'c'] };
    transcript.add(chunk(output, 2, 0, 1));
    expect(transcript.add(chunk({ words: ['a', 'X'] }, 1, 1, 2))).toBe('');
    expect(transcript.text).toBe('a');
  });

  test('says that something is missing instead of closing the gap', () => {
    const transcript = new Transcript();
    expect(transcript.add(chunk({ words: ['a', 'b'] }, 1, 1, 2))).toBeUndefined();
    expect(transcript.text).toBe('');
  });
});
