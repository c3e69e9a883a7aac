import { describe, expect, test } from 'vitest';
import { lineJob, lineJobId, lineSeed } from '../../../src/runtime/batch/job.ts';
import { parseRequest, RefusedLine } from '../../../src/runtime/batch/request.ts';
import { deriveSeed } from '../../../src/runtime/protocol/text.ts';

const key = { batch: 'b'.repeat(32), seed: deriveSeed('7') };

function parse(text: string | Buffer) {
  return parseRequest({ index: 16, number: 17, bytes: Buffer.from(text) });
}

function refused(text: string | Buffer): RefusedLine {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof RefusedLine) return error;
    throw error;
  }
  throw new Error('not refused');
}

function job(line: object, defaults: object = {}, index = 0) {
  const request = parse(JSON.stringify(line));
  return lineJob(request, { index, key, defaults, model: undefined });
}

describe('a line', () => {
  test('is a prompt as a bare string, or an object with a prompt or messages', () => {
    const messages = [{ role: 'user', content: 'Hello.' }];
    expect(parse('"Hello."\r')).toEqual({ prompt: 'Hello.' });
    expect(job({ prompt: 'Hello.' }).input.prompt).toEqual({ form: 'chat', messages });
    expect(job({ messages }).input.prompt).toEqual({ form: 'chat', messages });
    expect(job({ prompt: 'Hello.', raw: true }).input.prompt).toEqual({ form: 'raw', text: 'Hello.' });
  });

  test('has settings of its own, and the defaults of the batch for the rest', () => {
    const defaults = { temperature: 0.1, maxTokens: 5, system: 'Be brief.', stop: ['END'] };
    const { input } = job({ prompt: 'x', temperature: 2, stop: '.' }, defaults);
    expect(input).toMatchObject({
      maxTokens: 5,
      stop: ['.'],
      sampling: { temperature: 2, topK: 40 },
      prompt: { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }] },
    });
  });

  test('keeps the instructions that its conversation starts with', () => {
    const messages = [
      { role: 'system', content: 'Mine.' },
      { role: 'user', content: 'x' },
    ];
    expect(job({ messages }, { system: 'Yours.' }).input.prompt).toMatchObject({ messages });
  });

  test('may have the form of an OpenAI batch', () => {
    const body = {
      messages: [{ role: 'user', content: 'x' }],
      max_tokens: 9,
      top_p: 0.5,
      seed: 3,
      stop: null,
    };
    const line = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body };
    expect(parse(JSON.stringify(line))).toEqual({
      id: 'a',
      messages: body.messages,
      maxTokens: 9,
      topP: 0.5,
      seed: 3,
    });
    expect(refused(JSON.stringify({ ...line, url: '/v1/embeddings' })).error.message).toMatch(/embeddings/);
    expect(refused(JSON.stringify({ ...line, body: { ...body, tools: [] } })).error.message).toMatch(
      /"tools"/,
    );
  });

  test.for([
    ['nonsense', 'Line 17 is not JSON.', /one JSON value a line/],
    [Buffer.from([0x22, 0xff, 0x22]), 'Line 17 is not UTF-8 text.', /./],
    ['[1]', 'Line 17 is neither a JSON object nor a string.', undefined],
    ['{}', 'Line 17 has no prompt.', /./],
    ['" "', 'Line 17 has an empty prompt.', undefined],
    [
      '{"prompt":"x","messages":[{"role":"user","content":"x"}]}',
      'Line 17 has both a prompt and messages.',
      /./,
    ],
    [
      '{"prompt":"x","tempreature":1}',
      'Line 17 has an unknown key: "tempreature".',
      /^Did you mean temperature\?$/,
    ],
    [
      '{"prompt":"x","max_tokens":1}',
      'Line 17 has an unknown key: "max_tokens".',
      /^Did you mean maxTokens\?$/,
    ],
    ['{"prompt":"x","temperature":9}', /^Line 17 is not valid: temperature: /, undefined],
    ['{"prompt":"x","maxTokens":0}', /^Line 17 is not valid: maxTokens: /, undefined],
  ] as const)('%s is refused with what is wrong', ([line, message, hint]) => {
    const { error } = refused(line as string);
    expect(error.code).toBe('input-invalid');
    expect(error.message).toMatch(message);
    if (hint) expect(error.hint).toMatch(hint);
  });

  test('that is refused keeps the name that its user gave it', () => {
    expect(refused('{"id":"a","metadata":{"b":1},"prompt":3}').tag).toEqual({ id: 'a', metadata: { b: 1 } });
  });
});

describe('the jobs of a batch', () => {
  test('follow from its key: the same line has the same id and seed, another line another', () => {
    expect(job({ prompt: 'x' }, {}, 3)).toEqual(job({ prompt: 'x' }, {}, 3));
    const [a, b] = [job({ prompt: 'x' }, {}, 3), job({ prompt: 'x' }, {}, 4)];
    expect(a.id).not.toBe(b.id);
    expect(a.input.seed).not.toBe(b.input.seed);
    expect(a).toMatchObject({ id: lineJobId(key, 3, 1), input: { seed: lineSeed(key.seed, 3) } });
    expect(lineJobId(key, 3, 2)).not.toBe(a.id);
  });

  test('have the seed that their line gives', () => {
    expect(job({ prompt: 'x', seed: 7 }).input.seed).toBe(deriveSeed('7'));
    expect(job({ prompt: 'x', seed: 'fox' }).input.seed).toBe(deriveSeed('fox'));
  });
});
