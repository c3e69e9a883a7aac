import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairTurns } from '../../../src/runtime/bus/turns.ts';

const weights = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 });

function serve(turns: FairTurns<number>, times: number, hasWork: (name: number) => boolean): number[] {
  const served: number[] = [];
  for (let i = 0; i < times; i++) {
    const name = turns.next(hasWork);
    if (name === undefined) break;
    turns.took(name);
    served.push(name);
  }
  return served;
}

const count = (served: readonly number[], name: number) => served.filter((one) => one === name).length;

describe('turns', () => {
  test('where all have work, each gets its share, give or take one turn', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 500 }), (shares, times) => {
        const turns = new FairTurns(new Map(shares.map((share, name) => [name, share])));
        const served = serve(turns, times, () => true);
        const sum = shares.reduce((a, b) => a + b, 0);
        for (const [name, share] of shares.entries()) {
          expect(Math.abs(count(served, name) - (times * share) / sum)).toBeLessThan(shares.length + 1);
        }
      }),
    );
  });

  test('one that had no work saves up nothing: it gets no more than its share afterwards', () => {
    const turns = new FairTurns(
      new Map([
        [0, 16],
        [1, 1],
      ]),
    );
    serve(turns, 1_000, (name) => name === 1);
    expect(
      count(
        serve(turns, 17, () => true),
        0,
      ),
    ).toBe(16);
  });

  test('nobody starves: whoever has work is served within the sum of the weights', () => {
    fc.assert(
      fc.property(weights, (shares) => {
        const turns = new FairTurns(new Map(shares.map((share, name) => [name, share])));
        const sum = shares.reduce((a, b) => a + b, 0);
        expect(new Set(serve(turns, 2 * sum + shares.length, () => true)).size).toBe(shares.length);
      }),
    );
  });

  test('with no work anywhere it is nobody’s', () => {
    expect(new FairTurns(new Map([[0, 1]])).next(() => false)).toBeUndefined();
  });
});
