import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobsToMove, MAX_OWN_WAIT_MS, OWN_WAIT_MS } from '../../../src/runtime/director/own-wait.ts';

const waited = fc
  .array(fc.integer({ min: 0, max: 2 * MAX_OWN_WAIT_MS }), { maxLength: 50 })
  .map((each) => each.sort((a, b) => b - a));
const free = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined });
const countOf = (each: readonly number[], ms: number) => each.filter((one) => one >= ms).length;

describe("jobs that wait for their account's own workers", () => {
  test('all go to the queue of all once nobody of their own takes any', () => {
    fc.assert(
      fc.property(waited, free, (each, freeElsewhere) => {
        expect(jobsToMove({ isServed: false, freeElsewhere, waited: each })).toBe(each.length);
      }),
    );
  });

  test('all stay while nobody else serves their model', () => {
    fc.assert(
      fc.property(waited, (each) => {
        expect(jobsToMove({ isServed: true, freeElsewhere: undefined, waited: each })).toBe(0);
      }),
    );
  });

  test('none goes too early, none stays too long, and no more go early than find a free slot', () => {
    fc.assert(
      fc.property(waited, fc.integer({ min: 0, max: 60 }), (each, freeElsewhere) => {
        const moved = jobsToMove({ isServed: true, freeElsewhere, waited: each });
        expect(moved).toBeLessThanOrEqual(countOf(each, OWN_WAIT_MS));
        expect(moved).toBeGreaterThanOrEqual(countOf(each, MAX_OWN_WAIT_MS));
        expect(moved - countOf(each, MAX_OWN_WAIT_MS)).toBeLessThanOrEqual(freeElsewhere);
      }),
    );
  });
});
