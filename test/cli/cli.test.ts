import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration, parseNumber } from '../../src/cli/flags.ts';
import { composePrompt, decodeText } from '../../src/cli/prompt.ts';
import { formatBytes, formatDuration, hasColor, withoutControls } from '../../src/cli/terminal.ts';
import { textJob } from '../../src/cli/text-job.ts';

describe('the prompt', () => {
  test('is the words', () => {
    expect(composePrompt({ words: ['What', 'is', 'it?'], stdin: undefined })).toBe('What is it?');
  });

  test('is stdin, without its last line break', () => {
    expect(composePrompt({ words: [], stdin: 'a\nb\n' })).toBe('a\nb');
  });

  test('is stdin as the context and then the words as the instruction', () => {
    expect(composePrompt({ words: ['Explain'], stdin: 'log\n' })).toBe('log\n\nExplain');
  });

  test('has stdin where a - stands', () => {
    expect(composePrompt({ words: ['Explain', '-', 'briefly'], stdin: 'log\n' })).toBe('Explain log briefly');
    expect(composePrompt({ words: ['-'], stdin: 'log\n' })).toBe('log');
  });

  test.each([
    [[], undefined],
    [[], ''],
    [['  '], ' \n'],
    [['-'], ''],
  ])('is refused when it is empty: %j, %j', (words, stdin) => {
    expect(() => composePrompt({ words, stdin })).toThrow('The prompt is empty.');
  });

  test('is refused when stdin is binary', () => {
    expect(() => decodeText(new Uint8Array([65, 0, 66]))).toThrow('binary');
    expect(() => decodeText(new Uint8Array([0xff, 0xfe]))).toThrow('binary');
    expect(decodeText(new TextEncoder().encode('žluťoučký 🦊'))).toBe('žluťoučký 🦊');
  });
});

describe('numbers on the command line', () => {
  test('are taken inside their range only', () => {
    expect(parseNumber('--top-p', '0.5', { min: 0, max: 1, above: true })).toBe(0.5);
    for (const text of ['0', '1.1', 'NaN', '', ' ', 'x', 'Infinity', '-1', '0.5x']) {
      expect(() => parseNumber('--top-p', text, { min: 0, max: 1, above: true }), text).toThrow(
        '--top-p must be',
      );
    }
    expect(() => parseNumber('-n', '1.5', { min: 1, integer: true })).toThrow('a whole number');
  });

  test('may be durations', () => {
    const parse = (text: string) => parseDuration('--timeout', text, 1, 3_600_000);
    expect([parse('30'), parse('30s'), parse('2m'), parse('500ms'), parse('1h'), parse('0.5s')]).toEqual([
      30_000, 30_000, 120_000, 500, 3_600_000, 500,
    ]);
    for (const text of ['', '0', '-1s', '2h', 'soon', '1 week'])
      expect(() => parse(text), text).toThrow('--timeout');
  });
});

describe('a job made of flags', () => {
  const target = { model: undefined, timeoutMs: undefined };

  test('has the documented defaults', () => {
    const { input } = textJob('hi', { raw: false }, target);
    expect(input).toMatchObject({
      prompt: { form: 'chat', messages: [{ role: 'user', content: 'hi' }] },
      maxTokens: 1_024,
      stop: [],
      sampling: { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1 },
    });
  });

  test('has the same seed for the same --seed and another each time without', () => {
    const seedOf = (seed?: string) => textJob('hi', { raw: false, seed }, target).input.seed;
    expect(seedOf('7')).toBe(seedOf('7'));
    expect(seedOf('7')).not.toBe(seedOf('8'));
    expect(seedOf()).not.toBe(seedOf());
  });

  test('puts the system text first, and refuses it where there is no template', () => {
    const { input } = textJob('hi', { raw: false, system: 'be brief' }, target);
    expect(input.prompt).toMatchObject({
      messages: [{ role: 'system', content: 'be brief' }, { role: 'user' }],
    });
    expect(() => textJob('hi', { raw: true, system: 'be brief' }, target)).toThrow('--system');
  });
});

describe('text for a terminal', () => {
  test('has no character left that a terminal would act on', () => {
    expect(withoutControls('a\u001b]0;title\u0007b\u009b31mc\r\n\td')).toBe('a]0;titleb31mc\n\td');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => !/[^\P{Cc}\n\t]/u.test(withoutControls(text))),
    );
  });

  test('keeps everything else as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => withoutControls(text) === text.replace(/[^\P{Cc}\n\t]/gu, ''),
      ),
    );
  });

  test('has colour where NO_COLOR, FORCE_COLOR, TERM and the stream say so', () => {
    const terminal = { isTTY: true } as NodeJS.WriteStream;
    const pipe = { isTTY: false } as NodeJS.WriteStream;
    expect(hasColor(terminal, {})).toBe(true);
    expect(hasColor(pipe, {})).toBe(false);
    expect(hasColor(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(hasColor(terminal, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
    expect(hasColor(terminal, { TERM: 'dumb' })).toBe(false);
    expect(hasColor(pipe, { FORCE_COLOR: '1' })).toBe(true);
    expect(hasColor(terminal, { FORCE_COLOR: '0' })).toBe(false);
  });

  test('says sizes and durations for people', () => {
    expect([0, 999, 1_000, 3_841_440, 2.5e12].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '3.8 MB',
      '2.5 TB',
    ]);
    expect([3.2, 999, 4_200, 185_000].map(formatDuration)).toEqual(['3 ms', '999 ms', '4.2 s', '3 min 5 s']);
  });
});
