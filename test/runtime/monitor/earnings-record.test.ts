import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EarningsRecord } from '../../../src/runtime/monitor/earnings-record.ts';
import { paidGrid, receipt } from '../../support/paid-grid.ts';

const batches = fc.array(fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 80 }), { maxLength: 8 });

test('each receipt is there once, the newest first, in whatever order they come and from whom', () => {
  const { earnings } = paidGrid();
  fc.assert(
    fc.property(batches, fc.integer({ min: 0, max: 8 }), (numbers, asked) => {
      const record = new EarningsRecord();
      const told = { ...earnings, receipts: [] };
      for (const [index, batch] of numbers.entries()) {
        const receipts = batch.map((n) => receipt(n, n));
        if (index === asked) record.set({ ...told, receipts } as typeof earnings);
        else record.add(receipts);
      }
      record.set(told as typeof earnings);
      const wanted = [...new Set(numbers.flat())].sort((a, b) => b - a).slice(0, 200);
      const shown = record.view.state === 'known' ? record.view.receipts.map(({ n }) => n) : [];
      expect(shown).toEqual(wanted);
    }),
  );
});

test('what is known already is no change', () => {
  const record = new EarningsRecord();
  const { earnings } = paidGrid();
  expect(record.set(earnings)).toBe(true);
  expect(record.add([receipt(1_000, 0)])).toBe(true);
  expect(record.add([receipt(1_000, 0)])).toBe(false);
  expect(record.set({ state: 'free' })).toBe(true);
  expect(record.set({ state: 'free' })).toBe(false);
});
