import { describe, expect, test } from 'vitest';
import { chat, collect, load, raw } from './support.ts';

const model = await load({ slots: 8 });
const GREEDY = { temperature: 0 };
const STORY = 'Write a story about a fox.';

describe('generate', () => {
  test('answers through the chat template and ends at the end-of-turn token', async () => {
    const answer = await collect(model.generate(chat('What is 31 + 17?', { sampling: GREEDY })));
    expect(answer.text).toBe('31 + 17 = 48.');
    expect(answer.finish).toMatchObject({
      reason: 'stop',
      promptTokens: 14,
      outputTokens: answer.tokens.length,
    });
  });

  test('the last chunk and no other carries finish', async () => {
    const { chunks } = await collect(model.generate(chat(STORY)));
    expect(chunks.filter(({ finish }) => finish !== undefined)).toEqual([chunks.at(-1)]);
  });

  test('the same seed gives the same tokens, another seed others', async () => {
    const [first, again, other] = await Promise.all(
      ['a', 'a', 'b'].map((seed) => collect(model.generate(chat(STORY, { seed })))),
    );
    expect(again?.tokens).toEqual(first?.tokens);
    expect(other?.tokens).not.toEqual(first?.tokens);
  });

  test('continues a raw prompt as it is, without a template', async () => {
    const answer = await collect(
      model.generate(raw('Once upon a time a brave', { maxTokens: 20, sampling: GREEDY })),
    );
    expect(answer.text).toMatch(/^ \w+ named /);
    expect(answer.finish?.promptTokens).toBeLessThan(12);
  });

  test('a raw prompt may write the template itself, control tokens and all', async () => {
    const asked = await collect(model.generate(chat(STORY)));
    const written = await collect(model.generate(raw(`<|user|>${STORY}<|end|><|assistant|>`)));
    expect(written).toEqual(asked);
  });

  test('ends with length at maxTokens', async () => {
    const answer = await collect(model.generate(chat(STORY, { maxTokens: 7 })));
    expect(answer.finish).toMatchObject({ reason: 'length', promptTokens: 11, outputTokens: 7 });
    expect(answer.tokens).toHaveLength(7);
  });

  test.each([0, 0.8, 1.5])(
    'sequences decoded together give the tokens they give alone, at temperature %d',
    async (temperature) => {
      const inputs = Array.from({ length: 8 }, (_, n) =>
        chat(n % 2 === 0 ? STORY : `What is ${n} + 17?`, {
          seed: `s${n}`,
          sampling: { temperature },
          maxTokens: 60,
        }),
      );
      const together = await Promise.all(inputs.map((input) => collect(model.generate(input))));
      for (const [index, input] of inputs.entries()) {
        expect((await collect(model.generate(input))).tokens).toEqual(together[index]?.tokens);
      }
    },
  );

  test('a prompt longer than one prefill is decoded as a whole', async () => {
    const long = `${'The fox and the owl were friends. '.repeat(60)}Once`;
    const [first, again] = await Promise.all(
      [1, 2].map(() => collect(model.generate(raw(long, { maxTokens: 5 })))),
    );
    expect(first?.finish?.promptTokens).toBeGreaterThan(400);
    expect(again?.tokens).toEqual(first?.tokens);
  });
});

describe('stop strings', () => {
  test('end the output before them, across token borders', async () => {
    const whole = await collect(model.generate(chat(STORY)));
    const stop = whole.text.slice(20, 32);
    const { text, tokens, finish } = await collect(model.generate(chat(STORY, { stop: [stop] })));
    expect(text).toBe(whole.text.slice(0, whole.text.indexOf(stop)));
    expect(finish).toMatchObject({ reason: 'stop', promptTokens: 11, outputTokens: tokens.length });
    expect(whole.tokens.slice(0, tokens.length)).toEqual(tokens);
  });

  test('text that only starts like one is held back with its tokens, and then shown', async () => {
    const whole = await collect(model.generate(chat(STORY)));
    const near = `${whole.text.slice(20, 32)}#`;
    const held = await collect(model.generate(chat(STORY, { stop: [near] })));
    expect(held.text).toBe(whole.text);
    expect(held.tokens).toEqual(whole.tokens);
    expect(held.chunks.length).toBeLessThan(whole.chunks.length);
    // After any chunk, the tokens so far stand for exactly the text so far.
    const textAfter = new Map<number, string>([[0, '']]);
    let text = '';
    let count = 0;
    for (const chunk of whole.chunks) {
      text += chunk.text;
      count += chunk.tokens.length;
      textAfter.set(count, text);
    }
    text = '';
    count = 0;
    for (const chunk of held.chunks) {
      text += chunk.text;
      count += chunk.tokens.length;
      expect(text).toBe(textAfter.get(count));
    }
  });

  test('one that begins when maxTokens is reached is shown', async () => {
    const whole = await collect(model.generate(chat(STORY, { maxTokens: 9 })));
    const cut = await collect(
      model.generate(chat(STORY, { maxTokens: 9, stop: [`${whole.text.slice(-4)}#`] })),
    );
    expect(cut.text).toBe(whole.text);
    expect(cut.tokens).toEqual(whole.tokens);
  });
});

describe('resumeFrom', () => {
  test.each([0.8, 0])(
    'goes on exactly where an earlier attempt left, at temperature %d',
    async (temperature) => {
      const options = {
        sampling: { temperature, repeatPenalty: 1.1 },
        stop: ['never to be seen'],
        seed: 'resume',
      };
      const whole = await collect(model.generate(chat(STORY, options)));
      for (const shown of [1, 2, 10, Math.floor(whole.chunks.length / 2), whole.chunks.length - 1]) {
        const before = whole.chunks.slice(0, shown);
        const resumeFrom = before.flatMap(({ tokens }) => tokens);
        const rest = await collect(model.generate(chat(STORY, { ...options, resumeFrom })));
        expect(before.map(({ text }) => text).join('') + rest.text).toBe(whole.text);
        expect([...resumeFrom, ...rest.tokens]).toEqual(whole.tokens);
        expect(rest.finish).toEqual(whole.finish);
      }
    },
  );

  test('finds a stop string that began in the tokens resumed from', async () => {
    const whole = await collect(model.generate(chat(STORY)));
    const cut = 12;
    const shown = whole.chunks
      .slice(0, cut)
      .map(({ text }) => text)
      .join('');
    const stop = whole.text.slice(shown.length - 3, shown.length + 3);
    const resumeFrom = whole.tokens.slice(0, cut);
    const stopped = await collect(model.generate(chat(STORY, { stop: [stop] })));
    const rest = await collect(model.generate(chat(STORY, { stop: [stop], resumeFrom })));
    expect(rest.finish).toEqual(stopped.finish);
    expect(stopped.text.endsWith(rest.text)).toBe(true);
  });

  test('with everything already there, only the finish is left', async () => {
    const options = { maxTokens: 9 };
    const { tokens, finish } = await collect(model.generate(chat(STORY, options)));
    const rest = await collect(model.generate(chat(STORY, { ...options, resumeFrom: tokens })));
    expect(rest.chunks).toEqual([{ text: '', tokens: [], finish }]);
    const stop = { stop: [' time'] };
    const stopped = await collect(model.generate(chat(STORY, stop)));
    const after = await collect(model.generate(chat(STORY, { ...stop, resumeFrom: stopped.tokens })));
    expect(after.chunks).toEqual([{ text: '', tokens: [], finish: stopped.finish }]);
  });
});

describe('text', () => {
  test('never holds a replacement character or half a character, however wild the tokens', async () => {
    const wild = { temperature: 5, topK: 0, topP: 1, minP: 0 };
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        collect(model.generate(raw('🦊 日本', { seed: `w${n}`, sampling: wild, maxTokens: 80 }))),
      ),
    );
    for (const { chunks } of answers)
      for (const { text } of chunks) {
        expect(text).not.toContain('\uFFFD');
        expect(text.isWellFormed()).toBe(true);
      }
  });
});
