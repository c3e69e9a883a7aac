import { type DrawOptions, makeTable, type TableKind } from './table.ts';
import { pad } from './text.ts';

const GAP = 2;

/** Widths of blocks next to each other. */
export function split(width: number, parts: number): number[] {
  const each = Math.floor((width - GAP * (parts - 1)) / parts);
  return Array.from({ length: parts }, (_, index) =>
    index < parts - 1 ? each : width - (each + GAP) * (parts - 1),
  );
}

/** Blocks of lines next to each other. */
export function beside(blocks: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const height = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: height }, (_, line) =>
    blocks.map((block, index) => pad(block[line] ?? '', widths[index] ?? 0)).join(' '.repeat(GAP)),
  );
}

/** The first rows of a table in its own order, as many lines as its height. */
export function drawTop<Row>(kind: TableKind<Row>, rows: Iterable<Row>, options: DrawOptions): string[] {
  const { height } = options;
  return fill(makeTable(kind, rows, kind.sort, '', height).draw(options), height);
}

/** Exactly so many lines. */
function fill(lines: readonly string[], height: number): string[] {
  return Array.from({ length: Math.max(0, height) }, (_, index) => lines[index] ?? '');
}
