import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Beats } from '../../../src/runtime/worker/beats.ts';
import { ChunkJoiner, JOIN_MS, type JoinedChunk } from '../../../src/runtime/worker/chunk-joiner.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const clock = () => new Beats(JOIN_MS, () => Date.now());

describe('joining chunks', () => {
  test('sends the first at once and what follows together', () => {
    const sent: JoinedChunk[] = [];
    using joiner = new ChunkJoiner((chunk) => sent.push(chunk), { beats: clock() });
    joiner.add({ text: 'a', tokens: [1] });
    expect(sent).toHaveLength(1);
    joiner.add({ text: 'b', tokens: [2] });
    joiner.add({ text: 'c', tokens: [3] });
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(JOIN_MS);
    expect(sent[1]).toEqual({ tokenOffset: 1, textOffset: 1, text: 'bc', tokens: [2, 3] });
  });

  test('sends nothing before the first beat of what nobody reads as it comes', () => {
    const sent: JoinedChunk[] = [];
    using joiner = new ChunkJoiner((chunk) => sent.push(chunk), { beats: clock(), isRead: false });
    joiner.add({ text: 'a', tokens: [1] });
    joiner.add({ text: 'b', tokens: [2] });
    expect(sent).toHaveLength(0);
    vi.advanceTimersByTime(JOIN_MS);
    expect(sent).toEqual([{ tokenOffset: 0, textOffset: 0, text: 'ab', tokens: [1, 2] }]);
  });

  test('passes a slow engine through, token by token', () => {
    const sent: JoinedChunk[] = [];
    using joiner = new ChunkJoiner((chunk) => sent.push(chunk), { beats: clock() });
    for (const token of [1, 2, 3]) {
      joiner.add({ text: 'x', tokens: [token] });
      vi.advanceTimersByTime(JOIN_MS);
    }
    expect(sent.map((chunk) => chunk.tokens)).toEqual([[1], [2], [3]]);
  });

  test('sends what all jobs have at once, so that it goes out together', () => {
    const sent: number[] = [];
    const beats = clock();
    const joiners = [1, 2, 3].map((n) => new ChunkJoiner(() => sent.push(n), { beats }));
    for (const joiner of joiners) joiner.add({ text: 'a', tokens: [1] });
    sent.length = 0;
    for (const joiner of joiners) {
      vi.advanceTimersByTime(2);
      joiner.add({ text: 'b', tokens: [2] });
    }
    vi.advanceTimersToNextTimer();
    expect(sent).toEqual([1, 2, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('loses, repeats and delays nothing, however the chunks come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.nat(30))), (chunks) => {
        const sent: JoinedChunk[] = [];
        const joiner = new ChunkJoiner((chunk) => sent.push(chunk), { beats: clock() });
        for (const [index, [text, wait]] of chunks.entries()) {
          joiner.add({ text, tokens: [index] });
          vi.advanceTimersByTime(wait);
          const waiting = index + 1 - sent.flatMap((chunk) => chunk.tokens).length;
          if (wait >= JOIN_MS) expect(waiting).toBe(0);
        }
        joiner.flush();
        expect(sent.map((chunk) => chunk.text).join('')).toBe(chunks.map(([text]) => text).join(''));
        expect(sent.flatMap((chunk) => chunk.tokens)).toEqual(chunks.map((_, index) => index));
        let offset = 0;
        for (const chunk of sent) {
          expect(chunk.tokenOffset).toBe(offset);
          offset += chunk.tokens.length;
        }
      }),
    );
  });
});
