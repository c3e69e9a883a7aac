import { createHash } from 'node:crypto';
import { copyFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeRandomModel } from '../../../../bench/support/random-model.ts';
import type { GenerateInput, LoadedModel } from '../../../../src/runtime/engines/engine.ts';
import type { Recount } from '../../../../src/runtime/engines/llama/recount.ts';
import { Vocabularies } from '../../../../src/runtime/engines/llama/vocabularies.ts';
import { type ModelFile, sha256Schema } from '../../../../src/runtime/protocol/model.ts';
import { type Answer, chat, collect, load, modelFile, raw, TINY_F16, temporaryDirectory } from './support.ts';

/** Of the bundled model. */
const CONTROL = 4;
const END = 2;
const INVALID_BYTE = 6 + 0xff;
const byte = (text: string) => 6 + (Buffer.from(text)[0] ?? 0);

const WILD = { temperature: 1.5, topK: 0, topP: 1, minP: 0 };
const TINY = modelFile(TINY_F16);
const vocabularies = new Vocabularies(temporaryDirectory());
afterAll(() => vocabularies[Symbol.asyncDispose]());

let model: LoadedModel;
beforeAll(async () => {
  model = await load({ slots: 1 });
});

async function ask(input: GenerateInput): Promise<Answer & { input: GenerateInput }> {
  return { ...(await collect(model.generate(input))), input };
}

function recount(
  { input, text, tokens }: { input: GenerateInput; text: string; tokens: readonly number[] },
  file: ModelFile = TINY,
): Promise<Recount> {
  return vocabularies.recount(file, { input, text, tokens });
}

describe('an honest output', () => {
  test.each<[string, GenerateInput]>([
    ['of a conversation', chat('Tell me a story about a fox.')],
    ['of a raw prompt', raw('Once upon a time', { maxTokens: 60 })],
    ['that a stop string cut', chat('Tell me a story about a fox.', { stop: ['.'] })],
    ['that the limit cut', chat('Tell me a story about a fox.', { maxTokens: 7 })],
    ['under a grammar', chat('Write some JSON.', { format: { type: 'json' } })],
    [
      'of instructions and several turns',
      {
        ...chat('And what comes after that?'),
        prompt: {
          form: 'chat',
          messages: [
            { role: 'system', content: 'Be brief.' },
            { role: 'user', content: 'What day comes after Monday?' },
            { role: 'assistant', content: 'Tuesday.' },
            { role: 'user', content: 'And what comes after that?' },
          ],
        },
      },
    ],
  ])('%s is paid to the last token, as the engine counts', async (_, input) => {
    const answer = await ask(input);
    expect(await recount(answer)).toEqual({
      inputTokens: answer.finish?.promptTokens,
      outputTokens: answer.finish?.outputTokens,
    });
  });

  test('is never taken for a dishonest one, whatever the seed, the settings and the end', async () => {
    const settings = fc.record({
      seed: fc.string(),
      maxTokens: fc.integer({ min: 1, max: 40 }),
      stop: fc.array(fc.constantFrom('e', 'th', '. ', 'ß', '\n'), { maxLength: 2 }),
      sampling: fc.constantFrom({}, WILD, { temperature: 5, topK: 0, topP: 1, minP: 0 }),
    });
    await fc.assert(
      fc.asyncProperty(settings, fc.boolean(), async (options, isRaw) => {
        const answer = await ask(isRaw ? raw('naïve 🦊 ', options) : chat('Count to five.', options));
        const counted = await recount(answer);
        expect(counted).toMatchObject({ inputTokens: answer.finish?.promptTokens });
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe('an output that was cut short', () => {
  test('is paid to the last token that was streamed, wherever it was', async () => {
    const settings = fc.record({
      seed: fc.string(),
      stop: fc.array(fc.constantFrom('e', 'th', '. ', 'fox', '\n'), { maxLength: 2 }),
      sampling: fc.constantFrom({}, WILD),
    });
    await fc.assert(
      fc.asyncProperty(settings, async (options) => {
        const input = raw('naïve 🦊 ', { maxTokens: 30, ...options });
        let [text, tokens] = ['', [] as number[]];
        for await (const chunk of model.generate(input)) {
          if (chunk.finish) break;
          text += chunk.text;
          tokens = [...tokens, ...chunk.tokens];
          const counted = await recount({ input, text, tokens });
          expect(counted).toMatchObject({ inputTokens: chunk.promptTokens });
          if ('mismatch' in counted) throw new Error(counted.mismatch);
          expect(counted.outputTokens).toBeLessThanOrEqual(tokens.length);
          if (options.sampling !== WILD) expect(counted.outputTokens).toBe(tokens.length);
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

describe('a dishonest output', () => {
  let story: Answer & { input: GenerateInput };
  beforeAll(async () => {
    story = await ask(chat('Tell me a story about a fox.'));
  });

  test.each([992, 100_000, 2 ** 40, -1, 0.5])('with the id %d, which no token has', async (id) => {
    expect(await recount({ ...story, tokens: [...story.tokens, id] })).toEqual({
      mismatch: `token ${id} is not in the model's vocabulary`,
    });
  });

  test('with an end in its middle', async () => {
    expect(await recount({ ...story, tokens: [...story.tokens, END] })).toHaveProperty('mismatch');
  });

  test('with more tokens than were asked for', async () => {
    const input = { ...story.input, maxTokens: story.tokens.length - 1 };
    expect(await recount({ ...story, input })).toEqual({
      mismatch: 'there are more tokens than the job asked for',
    });
  });

  test('whose ids give another text, or less than it', async () => {
    const less = await recount({ ...story, tokens: story.tokens.slice(0, -1) });
    expect(less).toEqual({ mismatch: 'the tokens give less than the text' });
    const other = await recount({ ...story, text: story.text.replace('fox', 'dog') });
    expect(other).toEqual({ mismatch: 'the tokens give another text' });
  });

  test('whose ids are of another vocabulary', async () => {
    const folder = temporaryDirectory();
    const other = await writeRandomModel(join(folder, 'other.gguf'));
    expect(await recount(story, other)).toHaveProperty('mismatch');
    const theirs = await load({}, other.path);
    const answer = await collect(theirs.generate(raw('Once upon a time', { maxTokens: 20 })));
    expect(await recount({ ...answer, input: raw('Once upon a time', { maxTokens: 20 }) })).toHaveProperty(
      'mismatch',
    );
  });

  test('that goes on behind a stop string, or behind the end of its JSON', async () => {
    const cut = await ask(chat('Tell me a story about a fox.', { stop: ['.'] }));
    expect(await recount({ ...cut, tokens: [...cut.tokens, byte('x')] })).toEqual({
      mismatch: 'there are tokens behind the end of the output',
    });
    const json = await ask(chat('Write some JSON.', { format: { type: 'json' } }));
    expect(json.finish?.reason).toBe('stop');
    const padded = { ...json, text: `${json.text} `, tokens: [...json.tokens, byte(' ')] };
    expect(await recount(padded)).toEqual({ mismatch: 'there are tokens behind the end of the output' });
  });

  test.each([
    ['control tokens', CONTROL],
    ['bytes that are no character', INVALID_BYTE],
  ])('padded with %s gains nothing', async (_, pad) => {
    const honest = await recount(story);
    const half = Math.floor(story.tokens.length / 2);
    const padding = Array<number>(64).fill(pad);
    const behind = { ...story, tokens: [...story.tokens, ...padding] };
    expect(await recount(behind)).toEqual(honest);
    const within = {
      ...story,
      tokens: [...story.tokens.slice(0, half), ...padding, ...story.tokens.slice(half)],
    };
    expect(await recount(within)).toEqual(honest);
  });

  test('cut into single letters gains a quarter and eight at most', async () => {
    const honest = (await recount(story)) as { outputTokens: number };
    const letters = [...Buffer.from(story.text)].map((value) => 6 + value);
    expect(letters.length).toBeGreaterThan(2 * honest.outputTokens);
    const counted = (await recount({ ...story, tokens: letters })) as { outputTokens: number };
    expect(counted.outputTokens).toBeLessThanOrEqual(1.25 * honest.outputTokens + 8);
  });

  test('changed in any one place is refused, or pays a token more at most', async () => {
    const honest = (await recount(story)) as { outputTokens: number };
    const place = fc.nat({ max: story.tokens.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.nat({ max: 991 }), fc.constantFrom(0, 1), async (at, id, replaced) => {
        const tokens = story.tokens.toSpliced(at, replaced, id);
        const counted = await recount({ ...story, tokens });
        if ('outputTokens' in counted)
          expect(counted.outputTokens).toBeLessThanOrEqual(honest.outputTokens + 1);
        else expect(counted.mismatch).not.toBe('');
      }),
      { numRuns: 200 },
    );
  });
});

describe('the vocabularies of many models', () => {
  test('are loaded once each, and few are kept', async () => {
    await using few = new Vocabularies(temporaryDirectory());
    const input = chat('What is 12 + 7?');
    const files = Array.from({ length: 12 }, (_, index) => ({ ...TINY, sha256: digest(String(index)) }));
    const twice = [...files, ...files].map((file) => few.recount(file, { input, text: '', tokens: [] }));
    const counts = await Promise.all(twice);
    expect(new Set(counts.map((count) => JSON.stringify(count))).size).toBe(1);
    expect(few.kept).toBe(4);
  });

  test('are not read from a file that is broken, nor is that remembered', async () => {
    const path = join(temporaryDirectory(), 'broken.gguf');
    await copyFile(TINY_F16, path);
    await truncate(path, 100_000);
    const file = { ...TINY, path, sha256: digest('broken') };
    const input = chat('What is 12 + 7?');
    const failed = vocabularies.recount(file, { input, text: '', tokens: [] });
    await expect(failed).rejects.toMatchObject({ code: 'model-invalid' });
    await copyFile(TINY_F16, path);
    expect(await vocabularies.recount(file, { input, text: '', tokens: [] })).toHaveProperty('inputTokens');
  });
});

describe('an earlier attempt with an id that no token has', () => {
  test('ends the attempt, not the process', async () => {
    const input = { ...chat('What is 12 + 7?'), resumeFrom: [100_000] };
    await expect(collect(model.generate(input))).rejects.toMatchObject({ code: 'internal' });
  });
});

function digest(text: string) {
  return sha256Schema.parse(createHash('sha256').update(text).digest('hex'));
}
