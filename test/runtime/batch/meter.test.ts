import { expect, test } from 'vitest';
import { BatchMeter } from '../../../src/runtime/batch/meter.ts';

function meterAt(total: number | undefined, done = 0) {
  let now = 1_000;
  const meter = new BatchMeter({ total, done, failed: 0 }, () => now);
  const pass = (ms: number, failed = false) => {
    now += ms;
    meter.add({ failed, outputTokens: failed ? 0 : 30 });
  };
  return { meter, pass };
}

test('rates and the time left are those of the last while, not of the whole', () => {
  const { meter, pass } = meterAt(1_000);
  for (let line = 0; line < 100; line++) pass(1_000);
  expect(meter.progress()).toMatchObject({
    done: 100,
    linesPerSecond: 1,
    tokensPerSecond: 30,
    remainingMs: 900_000,
  });
  for (let line = 0; line < 400; line++) pass(100);
  const { linesPerSecond, remainingMs } = meter.progress();
  expect(linesPerSecond).toBeCloseTo(10, 5);
  expect(remainingMs).toBeCloseTo(50_000, 0);
});

test('lines of earlier runs count as done and not as fast', () => {
  const { meter, pass } = meterAt(100, 90);
  for (let line = 0; line < 5; line++) pass(1_000, line === 0);
  expect(meter.progress()).toMatchObject({ done: 95, failed: 1, linesPerSecond: 1, remainingMs: 5_000 });
  expect(meter.totals()).toEqual({ lines: 5, tokens: 120, elapsedMs: 5_000 });
});

test('of an input without a known end, and before the first answer, no time left is told', () => {
  expect(meterAt(10).meter.progress().remainingMs).toBeUndefined();
  const { meter, pass } = meterAt(undefined);
  pass(500);
  expect(meter.progress()).toMatchObject({ done: 1, total: undefined, remainingMs: undefined });
});
