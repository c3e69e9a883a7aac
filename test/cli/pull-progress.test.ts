import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAge, formatCount, oneLine, table } from '../../src/cli/model-output.ts';
import { barLine, RateMeter } from '../../src/cli/pull-progress.ts';

const HALF = { part: 1, parts: 1, receivedBytes: 2e9, totalBytes: 4e9 };

describe('a rate', () => {
  it('is unknown until something has come', () => {
    const meter = new RateMeter();
    expect(meter.perSecond).toBeUndefined();
    meter.add(0, 0);
    expect(meter.msUntil(10)).toBeUndefined();
    meter.add(1_000, 5);
    expect(meter.perSecond).toBe(5);
    expect(meter.msUntil(10)).toBe(1_000);
  });

  it('is that of the last ten seconds', () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 60; second++) meter.add(1_000 * second, second < 30 ? 0 : second - 30);
    expect(meter.perSecond).toBe(1);
  });

  it('is never negative, and no time left is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5_000), fc.nat(1e9)), { maxLength: 50 }), (steps) => {
        const meter = new RateMeter();
        let [at, amount] = [0, 0];
        for (const [ms, more] of steps) {
          at += ms;
          amount += more;
          meter.add(at, amount);
        }
        expect(meter.perSecond ?? 1).toBeGreaterThan(0);
        expect(meter.msUntil(amount) ?? 0).toBe(0);
      }),
    );
  });
});

describe('the bar', () => {
  it('shows the share, the sizes, the rate and the time that is left', () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    meter.add(10_000, 2e9);
    expect(barLine(HALF, meter)).toBe(
      '[############------------]  50 %  2.0 GB of 4.0 GB  200.0 MB/s  10.0 s left',
    );
  });

  it('is one for all parts of a split model', () => {
    expect(barLine({ ...HALF, part: 2, parts: 3 }, new RateMeter())).toBe(
      '[############------------]  50 %  2.0 GB of 4.0 GB  part 2 of 3',
    );
  });

  it('always has the same width', () => {
    fc.assert(
      fc.property(fc.nat(100), (receivedBytes) => {
        const bar = barLine({ part: 1, parts: 1, receivedBytes, totalBytes: 100 }, new RateMeter());
        expect(bar).toMatch(/^\[[#-]{24}\] +\d+ % {2}/);
      }),
    );
  });
});

describe('what a list shows', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_906_400, '1.9M'],
    [1_235_814_432, '1.2B'],
    [70_553_706_496, '70.6B'],
    [405_000_000_000, '405B'],
  ])('%i parameters are %s', (count, text) => expect(formatCount(count)).toBe(text));

  it.each([
    [0, 'just now'],
    [90_000, '1 min ago'],
    [7_300_000, '2 h ago'],
    [90_000_000, 'yesterday'],
    [864_000_000, '10 days ago'],
  ])('a use %i ms ago is %s', (ms, text) => expect(formatAge(new Date(0), ms)).toBe(text));

  it('a model that was not used was never used', () => expect(formatAge(undefined, 0)).toBe('never'));

  it('columns line up, numbers to the right', () => {
    expect(
      table(
        [{ title: 'A' }, { title: 'N', right: true }],
        [
          ['long', '1'],
          ['b', '200'],
        ],
      ),
    ).toEqual(['A       N', 'long    1', 'b     200']);
  });

  it('a name from a file cannot act on the terminal', () => {
    expect(oneLine('a\u001b]0;title\u0007\nb\tc')).toBe('a]0;title b c');
  });
});
