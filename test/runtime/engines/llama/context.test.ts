import { expect, test } from 'vitest';
import { chat, collect, load, raw } from './support.ts';

const model = await load({ slots: 2, contextSize: 64 });
const WORDS = 'Once upon a time a brave fox named June lived in the forest. ';

test('the context is the one asked for, although llama.cpp rounds it up', () => {
  expect(model.facts).toMatchObject({
    name: 'aipg-tiny',
    architecture: 'llama',
    parameters: 1_906_400,
    trainContextSize: 2_048,
    contextSize: 64,
    fileBytes: 3_841_440,
  });
  expect(model.slots).toBe(2);
});

test('a prompt longer than the context is refused with both numbers', async () => {
  const long = raw(WORDS.repeat(10));
  await expect(collect(model.generate(long))).rejects.toMatchObject({
    code: 'context-exceeded',
    message: expect.stringMatching(/prompt has \d{3} tokens; the context of 64 tokens/),
  });
});

test('prompt and output fill the context to the last token, then the output ends with length', async () => {
  const { tokens, finish } = await collect(model.generate(chat('Write a story about a fox.')));
  expect(finish?.reason).toBe('length');
  expect((finish?.promptTokens ?? 0) + tokens.length).toBe(64);
});

test('the longest prompt that fits leaves room for one token', async () => {
  let longest = 0;
  for (let words = 1; longest < 63; words++) {
    const { finish } = await collect(model.generate(raw('#'.repeat(words), { maxTokens: 500 })));
    longest = finish?.promptTokens ?? 0;
    if (longest === 63) expect(finish?.outputTokens).toBeLessThanOrEqual(1);
  }
  expect(longest).toBe(63);
});

test('a full context leaves the slot usable', async () => {
  const sampling = { temperature: 0 };
  for (let round = 0; round < 4; round++) {
    await collect(model.generate(raw(WORDS, { maxTokens: 500 })));
    expect((await collect(model.generate(chat('What is 31 + 17?', { sampling })))).text).toBe(
      '31 + 17 = 48.',
    );
  }
});
