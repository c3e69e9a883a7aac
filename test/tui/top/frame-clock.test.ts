import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FrameClock } from '../../../src/tui/top/frame-clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Times of frames, by requests at their times. */
function framesOf(requests: readonly (readonly [pause: number, cause: 'person' | 'grid'])[]): number[] {
  const frames: number[] = [];
  const now = () => performance.now();
  using clock = new FrameClock(() => frames.push(now()), now);
  for (const [pause, cause] of requests) {
    vi.advanceTimersByTime(pause);
    clock.request(cause);
  }
  vi.advanceTimersByTime(2_000);
  return frames;
}

test('a key is drawn at once, what the grid does four times a second', () => {
  const start = performance.now();
  expect(framesOf([[0, 'person']])).toEqual([start]);
  const load = Array.from({ length: 100 }, () => [10, 'grid'] as const);
  const frames = framesOf(load);
  expect(frames.length).toBeGreaterThanOrEqual(4);
  expect(frames.length).toBeLessThanOrEqual(5);
});

test('without a request there is no frame', () => {
  expect(framesOf([])).toEqual([]);
});

test('no second has more than ten frames, and the last request is always drawn', () => {
  const request = fc.tuple(fc.nat(400), fc.constantFrom('person' as const, 'grid' as const));
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 80 }), (requests) => {
      const start = performance.now();
      const frames = framesOf(requests);
      const last = start + requests.reduce((sum, [pause]) => sum + pause, 0);
      expect(frames.at(-1)).toBeGreaterThanOrEqual(last);
      for (const at of frames) {
        expect(frames.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(10);
      }
    }),
  );
});
