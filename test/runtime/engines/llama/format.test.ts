import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../../../src/runtime/engines/engine.ts';
import { checkFormat } from '../../../../src/runtime/json-schema/check.ts';
import { grammarOf } from '../../../../src/runtime/json-schema/grammar.ts';
import { AipgError } from '../../../../src/runtime/protocol/errors.ts';
import type { Format } from '../../../../src/runtime/protocol/format.ts';
import { schema as anySchema } from '../../json-schema/arbitrary.ts';
import { chat, collect, load, raw } from './support.ts';

const PERSON: Format = {
  type: 'schema',
  schema: {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 12 },
      age: { type: 'integer', minimum: 0, maximum: 120 },
      tags: { type: 'array', items: { enum: ['old', 'young', 'wise'] }, minItems: 1, maxItems: 4 },
    },
    required: ['name', 'age', 'tags'],
    additionalProperties: false,
  },
};
const of = (schema: Record<string, unknown>): Format => ({ type: 'schema', schema });
const WILD = { temperature: 1.5, topK: 0, topP: 1, minP: 0 };

let model: LoadedModel;

/** A schema of any shape may ask for more than is enforced; it is refused before anything is generated. */
function isTooCostly(format: Format): boolean {
  try {
    grammarOf(format);
    return false;
  } catch (error) {
    if (error instanceof AipgError && error.message.includes('too many alternatives')) return true;
    throw error;
  }
}
beforeAll(async () => {
  model = await load({ slots: 3 });
});

describe('an output with a schema', () => {
  test('is whole JSON that satisfies it, whatever the schema and the seed, at temperature 1.5', async () => {
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(anySchema, fc.nat(), async (schema, seed) => {
        const format = of(schema);
        fc.pre(!isTooCostly(format));
        const input = chat('Write some JSON.', {
          seed: String(seed),
          format,
          maxTokens: 1_900,
          sampling: WILD,
        });
        const { text, finish } = await collect(model.generate(input));
        // A schema without an end may run into the limit: then the answer is refused as a whole.
        if (finish?.reason === 'length') return;
        whole += 1;
        expect({ wrong: checkFormat(format)(text), sampler: finish?.sampler, text }).toEqual({
          wrong: undefined,
          sampler: 'grammar',
          text,
        });
        expect(text.trimEnd()).not.toContain('\n');
      }),
      { numRuns: 80, endOnFailure: true },
    );
    expect(whole).toBeGreaterThan(60);
  }, 240_000);

  test('is the same for the same seed, and another for others', async () => {
    const ask = async (seed: string) =>
      (await collect(model.generate(chat('?', { seed, format: PERSON, sampling: WILD })))).text;
    expect(await ask('1')).toBe(await ask('1'));
    expect(new Set(await Promise.all(['1', '2', '3', '4'].map(ask))).size).toBeGreaterThan(1);
  });

  test('goes on from the tokens of an earlier attempt as it would have gone on', async () => {
    const input = chat('Who?', { seed: '5', format: PERSON, sampling: { ...WILD, repeatPenalty: 1.1 } });
    const whole = await collect(model.generate(input));
    expect(whole.tokens.length).toBeGreaterThan(20);
    for (let length = 0; length <= whole.tokens.length; length++) {
      const resumeFrom = whole.tokens.slice(0, length);
      const rest = await collect(model.generate({ ...input, resumeFrom }));
      expect([...resumeFrom, ...rest.tokens]).toEqual(whole.tokens);
      expect(whole.text.endsWith(rest.text)).toBe(true);
      expect(rest.finish).toEqual(whole.finish);
    }
  });

  test('refuses tokens of an earlier attempt that do not fit', async () => {
    const other = await collect(model.generate(chat('Tell me a story about a fox.', { seed: '7' })));
    const input = { ...chat('Who?', { format: PERSON }), resumeFrom: other.tokens.slice(0, 4) };
    await expect(collect(model.generate(input))).rejects.toMatchObject({ code: 'job-failed' });
  });

  test('leaves others that run beside it as they are', async () => {
    const story = () => collect(model.generate(chat('Tell me a story about a fox.', { seed: '7' })));
    const person = () => collect(model.generate(chat('Who?', { seed: '7', format: PERSON, sampling: WILD })));
    const [aloneStory, alonePerson] = [await story(), await person()];
    const [free, one, two] = await Promise.all([story(), person(), person()]);
    expect(free.text).toBe(aloneStory.text);
    expect(free.finish?.sampler).toBe('gumbel-1');
    expect([one.text, two.text]).toEqual([alonePerson.text, alonePerson.text]);
  });

  test('ends within one token of an abort, and its slot is free for the next', async () => {
    const controller = new AbortController();
    const endless = of({ type: 'array', items: { type: 'integer' }, minItems: 1_000 });
    let chunks = 0;
    const reason = new Error('enough');
    const run = async () => {
      for await (const _ of model.generate(
        chat('?', { format: endless, maxTokens: 1_500 }),
        controller.signal,
      )) {
        chunks++;
        if (chunks === 5) controller.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(chunks).toBe(5);
    const { text } = await collect(model.generate(chat('?', { format: PERSON })));
    expect(checkFormat(PERSON)(text)).toBeUndefined();
  });

  test('that reaches the limit says so, and nothing calls it whole', async () => {
    const { finish, text } = await collect(model.generate(chat('?', { format: PERSON, maxTokens: 4 })));
    expect(finish).toMatchObject({ reason: 'length', outputTokens: 4, sampler: 'grammar' });
    expect(checkFormat(PERSON)(text)).toBe('is not whole JSON');
  });

  test('may follow a raw prompt, and may be any JSON', async () => {
    const format = { type: 'json' } as const;
    const { text, finish } = await collect(
      model.generate(raw('Person: ', { format, seed: '2', sampling: { temperature: 0 } })),
    );
    expect(finish?.reason).toBe('stop');
    expect(checkFormat(format)(text)).toBeUndefined();
  });

  test.each([
    ['a number', { type: 'integer' }],
    ['true or false', { type: 'boolean' }],
    ['a text with characters that the model seldom writes', { const: '狐 🦊 "\\\n\u0085' }],
  ])('may be %s', async (_, schema) => {
    const { text, finish } = await collect(model.generate(chat('?', { format: of(schema) })));
    expect(finish?.reason).toBe('stop');
    expect(checkFormat(of(schema))(text)).toBeUndefined();
  });

  test('holds no control token, even where its text would fit', async () => {
    const format = of({ type: 'string', pattern: '^<\\|(end|user|assistant|system)\\|>$' });
    const { text } = await collect(model.generate(raw('<|user|>hi<|end|>', { format, sampling: WILD })));
    expect(JSON.parse(text)).toMatch(/^<\|\w+\|>$/);
  });

  test('is made of whole characters, even where each byte of them is left to chance', async () => {
    const format = of({ type: 'string', pattern: '^[^\\x00-\\x7f]{40}$' });
    for (const seed of ['1', '2', '3', '4', '5', '6', '7', '8']) {
      const input = chat('?', { seed, format, sampling: { ...WILD, temperature: 5 } });
      const { text } = await collect(model.generate(input));
      expect({ seed, wrong: checkFormat(format)(text) }).toEqual({ seed, wrong: undefined });
    }
  });

  test('does not go with stop strings', async () => {
    const input = chat('?', { format: PERSON, stop: ['}'] });
    await expect(collect(model.generate(input))).rejects.toMatchObject({ code: 'input-invalid' });
  });

  test('whose schema cannot be enforced is refused, and the slot stays free', async () => {
    for (let count = 0; count < 4; count++) {
      const input = chat('?', { format: of({ type: 'object', propertis: {} }) });
      await expect(collect(model.generate(input))).rejects.toMatchObject({ code: 'input-invalid' });
    }
    expect((await collect(model.generate(chat('What is 1 + 2?')))).text).not.toBe('');
  });
});
