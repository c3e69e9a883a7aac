import { expect, test } from 'vitest';
import { verifyLine } from '../../src/cli/verify-progress.ts';

test('a verification tells its share, entries, rate and the time that is left', () => {
  const at = { entries: 410_000, bytes: 41 };
  const pace = { totalBytes: 100, perSecond: 21_050.4, leftMs: 28_000 };
  expect(verifyLine(at, pace)).toBe('Verifying: 41 %, 410,000 entries, 21,050 entries/s, 28.0 s left');
});

test('and of what has no known end, entries and rate alone', () => {
  const pace = { totalBytes: undefined, perSecond: undefined, leftMs: undefined };
  expect(verifyLine({ entries: 7, bytes: 41 }, pace)).toBe('Verifying: 7 entries');
  expect(verifyLine({ entries: 7, bytes: 41 }, { ...pace, perSecond: 3 })).toBe(
    'Verifying: 7 entries, 3 entries/s',
  );
});
