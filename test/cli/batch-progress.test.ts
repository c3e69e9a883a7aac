import { expect, test } from 'vitest';
import { formatBatchEnd, formatBatchProgress } from '../../src/cli/batch-progress.ts';

const progress = {
  done: 412,
  total: 1_000,
  failed: 2,
  linesPerSecond: 52.14,
  tokensPerSecond: 1_210.4,
  remainingMs: 11_277,
};

test('a batch tells how far it is, how fast, and how long it will take', () => {
  expect(formatBatchProgress(progress, false)).toBe(
    '412 of 1,000 lines · 41 % · 52.1 lines/s · 1,210 tokens/s · 11.3 s left · 2 errors',
  );
  expect(formatBatchProgress(progress, true)).toMatch(/^████████░░░░░░░░░░░░ 412 of/);
});

test('what is not known is left out', () => {
  const unknown = { ...progress, total: undefined, remainingMs: undefined, failed: 0 };
  expect(formatBatchProgress(unknown, true)).toBe('412 lines · 52.1 lines/s · 1,210 tokens/s');
});

test('the end of a batch sums up', () => {
  const totals = { lines: 400, tokens: 8_000, elapsedMs: 8_000 };
  expect(formatBatchEnd(progress, totals)).toBe(
    '400 lines in 8.0 s · 12 done before · 50.0 lines/s · 1,000 tokens/s · 2 errors',
  );
  expect(formatBatchEnd({ ...progress, failed: 0 }, { lines: 0, tokens: 0, elapsedMs: 0 })).toBe(
    '0 lines in 0 ms · 412 done before · no errors',
  );
});
