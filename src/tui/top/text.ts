import stringWidth from 'string-width';

const PLAIN = /^[ -~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be removed
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export type Align = 'left' | 'right';

/** A name that others chose, on one line: without what moves the cursor or turns the direction of writing. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(CONTROLS, '');
}

/** Columns of a terminal that a text takes; escape sequences take none. */
export function width(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/**
 * Brings a text without escape sequences to a width: filled up with blanks, or cut, never inside a character, with an
 * ellipsis.
 */
export function toWidth(text: string, columns: number, align: Align = 'left', ellipsis = '…'): string {
  const safe = printable(text);
  const fill = columns - width(safe);
  if (fill < 0) return cut(safe, columns, ellipsis);
  return align === 'left' ? safe + ' '.repeat(fill) : ' '.repeat(fill) + safe;
}

/** Fills a text that may be coloured up to a width. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - stringWidth(text)));
}

function cut(text: string, columns: number, ellipsis: string): string {
  const room = columns - width(ellipsis);
  if (room < 0) return ' '.repeat(Math.max(0, columns));
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const next = width(segment);
    if (used + next > room) break;
    kept += segment;
    used += next;
  }
  return kept + ellipsis + ' '.repeat(room - used);
}
