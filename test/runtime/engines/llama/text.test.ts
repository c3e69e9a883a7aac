import fc from 'fast-check';
import type { Token } from 'node-llama-cpp';
import { afterAll, describe, expect, test } from 'vitest';
import { loadBackend } from '../../../../src/runtime/engines/llama/backend.ts';
import { Output } from '../../../../src/runtime/engines/llama/output.ts';
import { StopStrings } from '../../../../src/runtime/engines/llama/stop-strings.ts';
import { TINY_F16, temporaryDirectory } from './support.ts';

const { llama } = await loadBackend(temporaryDirectory());
const model = await llama.loadModel({ modelPath: TINY_F16 });
afterAll(() => model.dispose());
const START = model.tokens.bos === null ? [] : [model.tokens.bos];

/** Text of any script, without what stands for text that is none. */
const texts = fc
  .string({ unit: 'binary' })
  .filter((text) => !text.includes('\uFFFD') && !text.includes('\0'));

function pieces(tokens: readonly Token[], stops: readonly string[] = []) {
  const output = new Output(model, START, stops);
  const passed = [];
  for (const token of tokens) {
    const piece = output.push(token);
    passed.push(piece);
    if (piece.stopped) return passed;
  }
  return [...passed, { ...output.flush(), stopped: false }];
}

describe('tokens to text', () => {
  test('an emoji of four byte tokens comes whole, with its tokens', () => {
    const tokens = model.tokenize('🦊');
    expect(tokens).toHaveLength(4);
    const shown = pieces(tokens).filter((piece) => piece.tokens.length > 0);
    expect(shown).toEqual([{ text: '🦊', tokens, stopped: false }]);
  });

  test('any text comes back as it was, in whole characters, with every token', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const tokens = model.tokenize(text);
        const shown = pieces(tokens);
        expect(shown.map((piece) => piece.text).join('')).toBe(text);
        expect(shown.flatMap((piece) => piece.tokens)).toEqual(tokens);
        for (const piece of shown) expect(piece.text.isWellFormed()).toBe(true);
      }),
    );
  });

  test('bytes that are no character are left out, and what follows them is not', () => {
    const [f0, ...rest] = model.tokenize('🦊');
    const tokens = [...rest, ...model.tokenize('ok'), f0 as Token];
    const shown = pieces(tokens);
    expect(shown.map((piece) => piece.text).join('')).toBe('ok');
    expect(shown.flatMap((piece) => piece.tokens)).toEqual(tokens);
  });
});

describe('stop strings', () => {
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  });
  const cuts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 3 }), { maxLength: 12 });

  test('the output ends before the one that is complete first, wherever the pieces begin and end', () => {
    fc.assert(
      fc.property(stops, cuts, (stopStrings, parts) => {
        const whole = parts.join('');
        const strings = new StopStrings(stopStrings);
        let text = '';
        let stopped = false;
        let tokens = 0;
        for (const [index, part] of parts.entries()) {
          const passed = strings.push({ text: part, tokens: [index as Token] });
          text += passed.text;
          tokens += passed.tokens.length;
          stopped = passed.stopped;
          if (stopped) break;
          expect(text).toBe(parts.slice(0, tokens).join(''));
        }
        if (!stopped) text += strings.flush().text;
        expect(text).toBe(cutAtFirstStop(whole, stopStrings));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Reads one character after the other, as the definition says. */
function cutAtFirstStop(whole: string, stops: readonly string[]): string {
  for (let end = 1; end <= whole.length; end++) {
    const complete = stops.filter((stop) => whole.slice(0, end).endsWith(stop));
    if (complete.length > 0) return whole.slice(0, end - Math.max(...complete.map(({ length }) => length)));
  }
  return whole;
}
