import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedLines } from '../../../src/tui/top/changed-lines.ts';
import { width } from '../../../src/tui/top/text.ts';

const COLUMNS = 8;
const ROWS = 4;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's own
const TOKENS = /\u001b\[(\d+;\d+)H|(\u001b\[K)|\u001b\[\S+?[a-zA-Z]|./gsu;

/** As much of a terminal as frames are drawn with: places, erasing to the end of a line, and nothing beyond the last column. */
class Screen {
  #cells = this.#blank();
  #at = { row: 0, column: 0 };

  write(text: string): void {
    for (const [token, place, erase] of text.matchAll(TOKENS)) {
      const row = this.#cells[this.#at.row] ?? [];
      if (place !== undefined) {
        const [down = 1, right = 1] = place.split(';').map(Number);
        this.#at = { row: down - 1, column: right - 1 };
      } else if (erase !== undefined) {
        for (let column = this.#at.column; column < COLUMNS; column++) row[column] = ' ';
      } else if (token === '\u001b[2J') {
        this.#cells = this.#blank();
      } else if (!token.startsWith('\u001b')) {
        const wide = width(token);
        row[this.#at.column] = token;
        if (wide === 2) row[this.#at.column + 1] = '';
        // Past the end it stays on the last column, where erasing would erase what was just written.
        this.#at.column = Math.min(COLUMNS - 1, this.#at.column + wide);
      }
    }
  }

  get lines(): string[] {
    return this.#cells.map((row) => row.join('').trimEnd());
  }

  #blank(): string[][] {
    return Array.from({ length: ROWS }, () => Array.from({ length: COLUMNS }, () => ' '));
  }
}

const line = fc
  .array(fc.constantFrom('a', ' ', '…', '千', '\u001b[32mb\u001b[39m'), { maxLength: 2 * COLUMNS })
  .map((parts) => {
    let text = '';
    for (const part of parts) if (width(text + part) <= COLUMNS) text += part;
    return text;
  });
const frame = fc.array(line, { minLength: ROWS, maxLength: ROWS });

test('whatever was shown before, the terminal then shows the frame', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), (frames) => {
      const screen = new Screen();
      screen.write('left behind');
      let before: string[] | undefined;
      for (const after of frames) {
        screen.write(changedLines(before, after, COLUMNS));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: our own styles
        expect(screen.lines).toEqual(after.map((text) => text.replace(/\u001b\[\d+m/g, '').trimEnd()));
        before = after;
      }
    }),
  );
});

test('only lines that differ are written, and nothing where none does', () => {
  expect(changedLines(['a', 'b', 'c'], ['a', 'x', 'c'], COLUMNS)).toBe(
    '\u001b[?2026h\u001b[2;1Hx\u001b[K\u001b[?2026l',
  );
  expect(changedLines(['a', 'b'], ['a', 'b'], COLUMNS)).toBe('');
});

test('a shorter frame leaves nothing of a longer one', () => {
  const screen = new Screen();
  screen.write(changedLines(undefined, ['a', 'b', 'c'], COLUMNS));
  screen.write(changedLines(['a', 'b', 'c'], ['a'], COLUMNS));
  expect(screen.lines).toEqual(['a', '', '', '']);
});
