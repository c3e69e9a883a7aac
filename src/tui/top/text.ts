import stringWidth from 'string-width';

const PLAIN = /^[ -~]*$/;
/** Characters of one column each, whatever their neighbours among them: ASCII and the signs that we draw with. */
const NARROW = /^[ -~·…─-▟■-▰▲▸▼●✘⠀-⣿]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the styles of our own text
const SGR = /\u001b\[\d+m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be removed
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export type Align = 'left' | 'right';

/** A name that others chose, on one line: without what moves the cursor or turns the direction of writing. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(CONTROLS, '');
}

/** Columns of a terminal that a text takes; our own styles take none. */
export function width(text: string): number {
  const shown = text.includes('\u001b') ? text.replace(SGR, '') : text;
  return NARROW.test(shown) ? shown.length : stringWidth(shown);
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
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

function cut(text: string, columns: number, ellipsis: string): string {
  const room = columns - width(ellipsis);
  if (room < 0) return ' '.repeat(Math.max(0, columns));
  if (NARROW.test(text)) return text.slice(0, room) + ellipsis;
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
