import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeTable, type TableKind } from '../../../src/tui/top/table.ts';

interface Row {
  readonly id: string;
  readonly size: number | undefined;
}
const KIND: TableKind<Row> = {
  id: ({ id }) => id,
  search: ({ id }) => id,
  sort: { column: 'size', descending: true },
  empty: 'Nothing.',
  columns: [
    {
      id: 'size',
      title: 'SIZE',
      min: 5,
      rank: 0,
      text: ({ size = 0 }) => String(size),
      key: ({ size }) => size,
    },
  ],
};
const rows = fc
  .uniqueArray(fc.nat(999), { maxLength: 40 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc.record({ id: fc.constant(String(id)), size: fc.option(fc.nat(5), { nil: undefined }) }),
      ),
    ),
  );

test('the first rows of a table are those of the whole table', () => {
  fc.assert(
    fc.property(rows, fc.boolean(), fc.nat(10), (all: Row[], descending, most) => {
      const sort = { column: 'size', descending };
      const whole = makeTable(KIND, all, sort);
      expect(makeTable(KIND, all, sort, '', most).ids).toEqual(whole.ids.slice(0, most));
      expect(whole.ids).toHaveLength(all.length);
    }),
  );
});

test('by the sorted column, equal ones by their id, and what has no value last either way', () => {
  const all: Row[] = [
    { id: 'b', size: 1 },
    { id: 'none', size: undefined },
    { id: 'a', size: 1 },
    { id: 'c', size: 2 },
  ];
  expect(makeTable(KIND, all).ids).toEqual(['c', 'a', 'b', 'none']);
  expect(makeTable(KIND, all, { column: 'size', descending: false }).ids).toEqual(['a', 'b', 'c', 'none']);
});
