import { type Align, toWidth } from './text.ts';
import type { Style, Theme } from './theme.ts';

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly align?: Align;
  /** Columns of the terminal, at least and at most. */
  readonly min: number;
  readonly max?: number;
  /** Left out first where there is no room: the one with the highest number. 0 stays. */
  readonly rank: number;
  readonly text: (row: Row, now: number) => string;
  /** What it is sorted by; nothing comes last. */
  readonly key: (row: Row) => number | string | undefined;
  readonly style?: (row: Row) => Style | undefined;
}

export interface TableKind<Row> {
  readonly columns: readonly Column<Row>[];
  readonly id: (row: Row) => string;
  /** What a filter looks at. */
  readonly search: (row: Row) => string;
  /** Of the whole row, such as one that is about to go. */
  readonly style?: (row: Row) => Style | undefined;
  readonly sort: Sort;
  /** Said where there is no row. */
  readonly empty: string;
}

export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

/** Rows in their order, for whoever draws or walks them, whatever they are rows of. */
export interface Table {
  readonly columns: readonly { readonly id: string; readonly align?: Align }[];
  readonly ids: readonly string[];
  readonly sort: Sort;
  readonly total: number;
  draw(options: DrawOptions): string[];
}

export interface DrawOptions {
  readonly width: number;
  /** Lines, the head included. */
  readonly height: number;
  /** The first row that is drawn. */
  readonly top?: number;
  readonly selected?: string | undefined;
  /** Room for the mark of the selected row. */
  readonly cursor?: boolean;
  readonly now: number;
  readonly theme: Theme;
}

/**
 * @param filter only rows that hold it, whatever its case
 * @param most rows that are wanted, the first: of a large grid they are found without putting all in order
 */
export function makeTable<Row>(
  kind: TableKind<Row>,
  rows: Iterable<Row>,
  sort: Sort = kind.sort,
  filter = '',
  most = Number.POSITIVE_INFINITY,
): Table {
  const all = [...rows];
  const wanted = filter.toLowerCase();
  const matching = wanted === '' ? all : all.filter((row) => kind.search(row).toLowerCase().includes(wanted));
  const column = kind.columns.find(({ id }) => id === sort.column);
  const shown = column ? inOrder(matching, column, kind.id, sort.descending, most) : matching;
  return {
    columns: kind.columns,
    ids: shown.map(kind.id),
    sort,
    total: all.length,
    draw: (options) => {
      const lines = draw(kind, shown, sort, options);
      if (shown.length > 0 || options.height < 2) return lines;
      const empty = all.length > 0 ? 'Nothing matches the filter.' : kind.empty;
      return [...lines, options.theme.paint('dim', toWidth(`  ${empty}`, options.width))];
    },
  };
}

function inOrder<Row>(
  rows: readonly Row[],
  { key }: Column<Row>,
  id: (row: Row) => string,
  descending: boolean,
  most: number,
): Row[] {
  const sign = descending ? -1 : 1;
  type Keyed = { readonly row: Row; readonly key: number | string | undefined };
  const compare = (a: Keyed, b: Keyed): number => {
    if (a.key === b.key) return id(a.row) < id(b.row) ? -1 : 1;
    if (a.key === undefined) return 1;
    if (b.key === undefined) return -1;
    return sign * (a.key < b.key ? -1 : 1);
  };
  const keyed = rows.map((row) => ({ row, key: key(row) }));
  return (most < rows.length ? first(keyed, most, compare) : keyed.sort(compare)).map(({ row }) => row);
}

/** As many as are wanted of all, in their order. */
function first<T>(all: readonly T[], most: number, compare: (a: T, b: T) => number): T[] {
  const kept: T[] = [];
  for (const one of all) {
    const last = kept.at(-1);
    if (kept.length >= most && last !== undefined && compare(one, last) > 0) continue;
    const at = kept.findIndex((other) => compare(one, other) < 0);
    kept.splice(at < 0 ? kept.length : at, 0, one);
    if (kept.length > most) kept.pop();
  }
  return kept;
}

function draw<Row>(
  kind: TableKind<Row>,
  rows: readonly Row[],
  sort: Sort,
  { width, height, top = 0, selected, cursor = false, now, theme }: DrawOptions,
): string[] {
  const room = width - (cursor ? 2 : 0);
  const columns = layOut(kind.columns, room);
  const { signs } = theme;
  const head = columns
    .map(({ column, width: columnWidth }) => {
      const arrow = column.id === sort.column ? (sort.descending ? signs.down : signs.up) : '';
      return toWidth(column.title + arrow, columnWidth, column.align, signs.ellipsis);
    })
    .join(' ');
  const lines = [theme.paint('dim', toWidth(`${cursor ? '  ' : ''}${head}`, width, 'left', ''))];
  for (const row of rows.slice(top, top + height - 1)) {
    const isSelected = selected !== undefined && kind.id(row) === selected;
    const whole = isSelected ? 'selected' : kind.style?.(row);
    const cells = columns.map(({ column, width: columnWidth }) => {
      const cell = toWidth(column.text(row, now), columnWidth, column.align, signs.ellipsis);
      return whole === undefined ? theme.paint(column.style?.(row), cell) : cell;
    });
    const mark = cursor ? `${isSelected ? signs.cursor : ' '} ` : '';
    const used = columns.reduce((sum, { width: columnWidth }) => sum + columnWidth + 1, -1);
    lines.push(theme.paint(whole, `${mark}${cells.join(' ')}${' '.repeat(Math.max(0, room - used))}`));
  }
  return lines;
}

/** Leaves out what has no room, and shares what is left among those that can grow, in the order of their need. */
function layOut<Row>(
  columns: readonly Column<Row>[],
  room: number,
): { readonly column: Column<Row>; readonly width: number }[] {
  const kept = [...columns];
  const least = () => kept.reduce((sum, { min }) => sum + min + 1, -1);
  while (least() > room && kept.length > 1) {
    const out = kept.reduce((worst, column) => (column.rank > worst.rank ? column : worst));
    kept.splice(kept.indexOf(out), 1);
  }
  let left = Math.max(0, room - least());
  const growing = kept.filter(({ min, max = min }) => max > min).length;
  let served = 0;
  return kept.map((column) => {
    const { min, max = min } = column;
    if (max === min) return { column, width: Math.min(min, room) };
    const share = Math.floor(left / (growing - served));
    const more = Math.min(max - min, share);
    served += 1;
    left -= more;
    return { column, width: min + more };
  });
}
