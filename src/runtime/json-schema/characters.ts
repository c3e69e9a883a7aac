/** Code points, both ends included. */
export type Range = readonly [from: number, to: number];

/**
 * Characters that stand for themselves in a string: no quote, backslash or control character, nothing that a decoder
 * writes for broken bytes, and nothing that is not a character.
 */
export const PLAIN: readonly Range[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0xa0, 0xd7ff],
  [0xe000, 0xfffc],
  [0x10000, 0x10ffff],
];

/** Characters that a pattern may have and that are written with a backslash. */
export const WRITTEN: readonly (readonly [code: number, text: string])[] = [
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
];

/** Whether a string can hold one of these characters. */
export function canBeWritten(ranges: readonly Range[]): boolean {
  return ranges.some(
    ([start, end]) =>
      PLAIN.some(([from, to]) => start <= to && from <= end) ||
      WRITTEN.some(([code]) => start <= code && code <= end),
  );
}

const LAST = 0x10ffff;
const DIGIT: readonly Range[] = [[48, 57]];
const WORD: readonly Range[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: readonly Range[] = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
export const LINE_ENDS: readonly Range[] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
/** What \d, \w and \s stand for, and their opposites. */
export const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGIT,
  D: invert(DIGIT),
  w: WORD,
  W: invert(WORD),
  s: SPACE,
  S: invert(SPACE),
};
/** What is written as a letter behind a backslash. */
export const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

/** All other characters. */
export function invert(ranges: readonly Range[]): readonly Range[] {
  const inverted: Range[] = [];
  let from = 0;
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (start > from) inverted.push([from, start - 1]);
    from = Math.max(from, end + 1);
  }
  if (from <= LAST) inverted.push([from, LAST]);
  return inverted;
}
