import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawBars } from '../../../src/tui/top/bars.ts';
import { width } from '../../../src/tui/top/text.ts';
import { createTheme } from '../../../src/tui/top/theme.ts';
import { credits, price, timeOrDay } from '../../../src/tui/top/units.ts';

const amounts = fc.array(fc.integer({ min: 0, max: 10 ** 15 }), { minLength: 1, maxLength: 7 });

test.each([false, true])(
  'bars fill their columns, the longest all of them, and none is lost (ASCII: %s)',
  (ascii) => {
    const theme = createTheme({ depth: 'none', ascii });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 30, max: 120 }), (values, columns) => {
        const bars = values.map((value) => ({ label: 'Sat 21', value, text: credits(value).padStart(12) }));
        const lines = drawBars(bars, columns, theme);
        const drawn = lines.map((line) => line.slice(7, -13).trimEnd().length);
        const most = Math.max(...values);
        for (const [index, value] of values.entries()) {
          expect(width(lines[index] ?? '')).toBe(columns);
          expect((drawn[index] ?? 0) > 0).toBe(value > 0);
          if (value > 0 && value === most) expect(drawn[index]).toBe(columns - 20);
        }
      }),
    );
  },
);

test('amounts are exact while they are small, and never wider than their column', () => {
  expect([0, 1, 720_000, 98_765_432_100, 123_456_785_000].map(credits)).toEqual([
    '0.000000',
    '0.000001',
    '0.720000',
    '98765.432100',
    '123456.79',
  ]);
  expect([41, 580_000, 1_743_000_000].map(price)).toEqual(['0.000041', '0.580000', '1743.00']);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (amount) => {
      expect(credits(amount).length).toBeLessThanOrEqual(12);
      expect(price(amount).length).toBeLessThanOrEqual(9);
    }),
  );
});

test('a time within a day is told to the second, an older one by its day', () => {
  const now = new Date(2026, 10, 21, 12, 0, 0).getTime();
  expect(timeOrDay(now - 3_600_000, now)).toBe('11:00:00');
  expect(timeOrDay(now - 3 * 86_400_000, now)).toBe('Nov 18');
});
