import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { printable, toWidth, width } from '../../../src/tui/top/text.ts';

const names = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', '千', '🦊', '👩‍🚀', 'é', 'e\u0301', '\u001b[2J', '\u202e', '🇩🇪', 'ｱ'),
  }),
);

test('a text takes exactly the columns that it is given, whatever it holds', () => {
  fc.assert(
    fc.property(
      names,
      fc.nat(30),
      fc.constantFrom('left' as const, 'right' as const),
      (text, columns, align) => {
        expect(stringWidth(toWidth(text, columns, align))).toBe(columns);
      },
    ),
  );
});

test('a text is cut before a wide character that has no room, never inside it', () => {
  expect(toWidth('千问千问', 6)).toBe('千问… ');
  expect(toWidth('👩‍🚀👩‍🚀👩‍🚀', 4)).toBe('👩‍🚀… ');
  expect(toWidth('abc', 5, 'right')).toBe('  abc');
});

test('what moves the cursor or turns the direction of writing is left out', () => {
  expect(printable('a\u001b[2Jb\u202ec\r\nd')).toBe('a[2Jbcd');
});

test('a width is that of the terminal, with and without our styles', () => {
  const signs = fc.string({
    unit: fc.constantFrom('a', '·', '…', '●', '⠀', '⣿', '─', '█', '■', '▸', '千', '🦊', '️'),
  });
  fc.assert(
    fc.property(fc.oneof(names, signs), (text) => {
      const shown = printable(text);
      expect(width(shown)).toBe(stringWidth(shown));
      expect(width(`\u001b[32m${shown}\u001b[39m`)).toBe(stringWidth(shown));
    }),
  );
  for (let code = 0x20; code < 0x3000; code++) {
    const character = printable(String.fromCodePoint(code)).repeat(2);
    expect([code, width(character)]).toEqual([code, stringWidth(character)]);
  }
});
