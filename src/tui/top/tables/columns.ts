import type { Column } from '../table.ts';

type Room = Pick<Column<unknown>, 'min' | 'max' | 'rank'>;

/** A value for a cell; a dash where there is none. */
export const optional = <T>(value: T | undefined, format: (value: T) => string): string =>
  value === undefined ? '-' : format(value);

/** A column that shows a word and is sorted by it. */
export function words<Row>(
  id: string,
  title: string,
  room: Room,
  of: (row: Row) => string | undefined,
): Column<Row> {
  return { id, title, ...room, text: (row) => of(row) ?? '-', key: of };
}

/** A column that shows a number, to the right, and is sorted by it. */
export function numbers<Row>(
  id: string,
  title: string,
  room: Room,
  of: (row: Row) => number | undefined,
  format: (value: number) => string,
): Column<Row> {
  return { id, title, align: 'right', ...room, text: (row) => optional(of(row), format), key: of };
}
