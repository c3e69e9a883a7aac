import { toWidth } from './text.ts';
import type { Style, Theme } from './theme.ts';

export interface GraphOptions {
  readonly title: string;
  /** The newest number, as text. */
  readonly now: string;
  /** A number a second, the newest last. */
  readonly values: readonly number[];
  /** A second line in the same scale, which is never above the first. */
  readonly lower?: readonly number[];
  readonly format: (value: number) => string;
  readonly style: Style;
  readonly lowerStyle?: Style;
}

/** Rows and columns of dots in a braille character, and the bit of each dot from the bottom up. */
const DOTS = 4;
const LEFT = [0x40, 0x04, 0x02, 0x01];
const RIGHT = [0x80, 0x20, 0x10, 0x08];
const BRAILLE = 0x2800;
const RAMP = ' .:=#';

/** A history as a graph under its title: two seconds a column in braille, in ASCII one. */
export function drawGraph(options: GraphOptions, columns: number, height: number, theme: Theme): string[] {
  const { values, lower = [], format, style, lowerStyle = style } = options;
  const seconds = theme.ascii ? columns : 2 * columns;
  const shown = lastOf(values, seconds);
  const below = lastOf(lower, seconds);
  const top = scale(Math.max(0, ...shown));
  const rows = height - 1;
  const lines = [title(options, format(top), columns, theme)];
  for (let row = rows - 1; row >= 0; row--) {
    let line = '';
    let run = '';
    let runStyle: Style | undefined;
    const flush = () => {
      line += theme.paint(runStyle, run);
      run = '';
    };
    for (let column = 0; column < columns; column++) {
      const cell = (from: readonly number[]) =>
        theme.ascii
          ? ramp(fill(from[column], top, rows, row))
          : braille(fill(from[2 * column], top, rows, row), fill(from[2 * column + 1], top, rows, row));
      const character = cell(shown);
      const isBlank = character === ' ' || character === '\u2800';
      const isBelow = lower.length > 0 && !isBlank && cell(below) !== cell([]);
      const next = isBlank ? undefined : isBelow ? lowerStyle : style;
      if (next !== runStyle) flush();
      runStyle = next;
      run += isBlank ? ' ' : character;
    }
    flush();
    lines.push(line);
  }
  return lines;
}

function title({ title: name, now }: GraphOptions, top: string, columns: number, theme: Theme): string {
  const left = toWidth(name, Math.min(name.length, columns), 'left', theme.signs.ellipsis);
  const middle = toWidth(now, Math.max(0, columns - left.length - top.length - 2));
  return `${theme.paint('dim', left)} ${theme.paint('strong', middle)} ${theme.paint('dim', top)}`.slice(0);
}

/** Exactly so many, zeros before the first. */
function lastOf(values: readonly number[], length: number): number[] {
  const last = values.slice(-length);
  return [...Array.from({ length: length - last.length }, () => 0), ...last];
}

/** Dots of a value in a row of the graph, 0 to {@link DOTS}; whatever is not zero has one. */
function fill(value = 0, top: number, rows: number, row: number): number {
  if (value <= 0) return 0;
  const dots = Math.max(1, Math.round((value / top) * rows * DOTS));
  return Math.min(DOTS, Math.max(0, dots - row * DOTS));
}

function braille(left: number, right: number): string {
  let bits = 0;
  for (let dot = 0; dot < left; dot++) bits |= LEFT[dot] ?? 0;
  for (let dot = 0; dot < right; dot++) bits |= RIGHT[dot] ?? 0;
  return String.fromCharCode(BRAILLE + bits);
}

function ramp(dots: number): string {
  return RAMP[dots] ?? ' ';
}

/** The next of 1, 2, 5, 10, 20, … so that the scale does not jump with every value. */
export function scale(highest: number): number {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 5, 10].find((step) => step * power >= highest) ?? 10);
}
