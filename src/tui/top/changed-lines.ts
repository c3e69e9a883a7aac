import { width } from './text.ts';

const CLEAR = '\u001b[2J';
const ERASE_TO_END = '\u001b[K';
/** Terminals that know it show what lies between at once; the others pass it over. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/**
 * What brings a terminal from one frame to the next: the lines that differ, each at its place.
 *
 * @param before `undefined` when what is on the terminal is not known
 * @param columns of the terminal; no line is wider
 * @returns nothing where nothing has changed
 */
export function changedLines(
  before: readonly string[] | undefined,
  after: readonly string[],
  columns: number,
): string {
  let changes = before ? '' : CLEAR;
  for (const [row, line] of after.entries()) {
    if (before?.[row] === line) continue;
    // Past the last column the cursor is still on it, and erasing would take its character.
    const rest = width(line) < columns ? ERASE_TO_END : '';
    changes += `\u001b[${row + 1};1H${line}${rest}`;
  }
  for (let row = after.length; row < (before?.length ?? 0); row++) {
    changes += `\u001b[${row + 1};1H${ERASE_TO_END}`;
  }
  return changes === '' ? '' : `${BEGIN}${changes}${END}`;
}
