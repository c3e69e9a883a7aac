import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeySegments, type Segment } from '../../../src/cli/chat/key-segments.ts';
import { MessageLines } from '../../../src/cli/chat/message-lines.ts';
import { asOneLine, fromOneLine } from '../../../src/cli/chat/pasted-text.ts';
import { completeCommand, parseCommand, unescapeMessage } from '../../../src/cli/chat/slash-commands.ts';

describe('a message', () => {
  const typed = (...lines: string[]) => {
    const message = new MessageLines();
    return lines.map((line) => message.push(line));
  };

  test.for([
    ['is one line', ['hello'], ['hello']],
    ['goes on after a backslash', ['a\\', 'b\\', 'c'], [undefined, undefined, 'a\nb\nc']],
    [
      'has several lines between """',
      ['"""', 'a', '', ' b', '"""'],
      [undefined, undefined, undefined, undefined, 'a\n\n b'],
    ],
    ['may start and end beside its """', ['"""a', 'b"""'], [undefined, 'a\nb']],
    ['may have its """ on one line', ['"""a b"""'], ['a b']],
    ['keeps a backslash between """', ['"""', 'a\\', '"""'], [undefined, undefined, 'a\\']],
    ['may be empty', ['"""', '"""'], [undefined, '']],
    ['is followed by the next', ['"""', 'a', '"""', 'b'], [undefined, undefined, 'a', 'b']],
    ['may have been pasted whole', ['"""a\nb"""'], ['a\nb']],
  ] as const)('%s', ([, lines, messages]) => {
    expect(typed(...lines)).toEqual(messages);
  });

  test('that was begun can be given up', () => {
    const message = new MessageLines();
    message.push('"""');
    message.push('a');
    expect(message.pending).toBe(true);
    message.reset();
    expect(message.pending).toBe(false);
    expect(message.push('b')).toBe('b');
  });
});

describe('what a terminal sends', () => {
  const join = (segments: readonly Segment[]) => {
    const joined: Segment[] = [];
    for (const { type, text } of segments) {
      const last = joined.at(-1);
      if (last?.type === 'keys' && type === 'keys' && !/[\r\n]$/.test(last.text)) {
        joined[joined.length - 1] = { type, text: last.text + text };
      } else joined.push({ type, text });
    }
    return joined;
  };

  test('is keys, a line at a time, and pasted text', () => {
    expect(new KeySegments().push('ab\rc\u001b[200~x\ny\u001b[201~\r')).toEqual([
      { type: 'keys', text: 'ab\r' },
      { type: 'keys', text: 'c' },
      { type: 'paste', text: 'x\ny' },
      { type: 'keys', text: '\r' },
    ]);
  });

  test('may be cut anywhere, but between Escape and what follows it', () => {
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', '\r', '\u001b', '[', '2', '0', '1', '~'), maxLength: 6 }),
      fc.constantFrom('\u001b[200~', '\u001b[201~', '\u001b[A'),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat(200)), (pieces, cuts) => {
        // A last key, so that nothing waits for what may follow.
        const text = `${pieces.join('')}\u001b[201~z`;
        const whole = new KeySegments().push(text);
        const parts = new KeySegments();
        const ends = [...new Set(cuts.filter((cut) => cut < text.length && text[cut - 1] !== '\u001b'))].sort(
          (a, b) => a - b,
        );
        const cut = [...ends, text.length].flatMap((end, at) =>
          parts.push(text.slice(ends[at - 1] ?? 0, end)),
        );
        expect(
          join(cut)
            .map(({ text: said }) => said)
            .join(''),
        ).toBe(
          join(whole)
            .map(({ text: said }) => said)
            .join(''),
        );
        expect(join(cut).filter(({ type }) => type === 'paste')).toEqual(
          whole.filter(({ type }) => type === 'paste'),
        );
      }),
    );
  });

  test('does not keep back the Escape key', () => {
    expect(new KeySegments().push('\u001b')).toEqual([{ type: 'keys', text: '\u001b' }]);
  });
});

test('pasted text is one line while it is edited, and itself again when sent', () => {
  expect(asOneLine('a\r\nb\n\tc')).not.toMatch(/[\r\n\t]/);
  expect(fromOneLine(asOneLine('a\r\nb\n\tc'))).toBe('a\nb\n\tc');
  expect(asOneLine('a\u001b[31m\u0003b')).toBe('a[31mb');
});

test('a slash and a word are a command; a path and two slashes are a message', () => {
  expect(parseCommand('/save a b.md')).toEqual({ name: 'save', argument: 'a b.md' });
  expect(parseCommand(' /exit ')).toEqual({ name: 'exit', argument: '' });
  expect(parseCommand('/system Be brief.\nBe kind.')).toEqual({
    name: 'system',
    argument: 'Be brief.\nBe kind.',
  });
  for (const message of ['/etc/hosts', '//exit', 'What is /exit?', '/', '/ exit']) {
    expect(parseCommand(message)).toBeUndefined();
  }
  expect(unescapeMessage('//exit')).toBe('/exit');
  expect(completeCommand('/s')).toEqual(['/system', '/save']);
  expect(completeCommand('')).toEqual([]);
});
