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

  test('is the output for any order in which chunks of the attempts arrive, once all have', () => {
    fc.assert(
      fc.property(
        outputs,
        fc.array(fc.array(fc.nat(30)), { minLength: 1, maxLength: 3 }),
        fc.infiniteStream(fc.nat()),
        (words, cutsOfAttempts, order) => {
          const output = { words };
          const pieces = cutsOfAttempts.flatMap((cuts, i) => chunksOf(output, i + 1, cuts, words.length));
          const shuffled: ChunkEvent[] = [];
          while (pieces.length > 0) {
            shuffled.push(...pieces.splice(Number(order.next().value) % pieces.length, 1));
          }
          const transcript = new Transcript();
          let shown = '';
          for (const piece of shuffled) {
            shown += transcript.add(piece) ?? '';
            expect(words.join('').startsWith(shown)).toBe(true);
          }
          // Chunks of the newest attempt that came before its first sight are not missed: it says them all.
          expect(transcript.text).toBe(words.join(''));
          expect(transcript.tokens).toEqual(words.map((_, i) => i));
          expect(shown).toBe(transcript.text);
        },
      ),
    );
  });

  test('says that chunks are missing, and takes what came early once they are there', () => {
    const output = { words: ['a', 'b', 'c', 'd'] };
    const transcript = new Transcript();
    expect(transcript.add(chunk(output, 1, 0, 1))).toBe('a');
    expect(transcript.add(chunk(output, 1, 2, 3))).toBeUndefined();
    expect(transcript.add(chunk(output, 1, 3, 4))).toBeUndefined();
    expect(transcript.add(chunk(output, 1, 1, 2))).toBe('bcd');
  });
});
