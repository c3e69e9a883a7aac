import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DoneLines } from '../../../src/runtime/batch/done.ts';
import { ReorderWindow } from '../../../src/runtime/batch/window.ts';

test('records that come in any order are written in theirs, each once, and few of them wait', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 60 }),
      fc.nat(5),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 12 }),
      fc.infiniteStream(fc.nat()),
      (lines, first, inFlight, mostRecords, picks) => {
        const window = new ReorderWindow({ next: first, mostRecords });
        const started: number[] = [];
        let next = first;
        let written = '';
        const canStart = () => next < first + lines && started.length < inFlight && window.hasRoom(next);
        while (next < first + lines || started.length > 0) {
          while (canStart()) started.push(next++);
          // There is always one to wait for: the line that holds up the others was started before them.
          expect(started.length).toBeGreaterThan(0);
          const [index] = started.splice((picks.next().value as number) % started.length, 1) as [number];
          written += window.add(index, `${index}\n`);
          expect(window.held).toBeLessThan(mostRecords);
        }
        expect(written).toBe(Array.from({ length: lines }, (_, n) => `${first + n}\n`).join(''));
      },
    ),
  );
});

test('long records that wait keep further lines from being started, but never the next in order', () => {
  const window = new ReorderWindow({ next: 0, mostText: 10 });
  expect(window.hasRoom(2)).toBe(true);
  window.add(1, 'x'.repeat(10));
  expect([window.hasRoom(2), window.hasRoom(0)]).toEqual([false, true]);
  expect(window.add(0, 'a')).toBe(`a${'x'.repeat(10)}`);
  expect(window.hasRoom(2)).toBe(true);
});

test('done lines are those that were added, whatever was foretold of their count', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.array(fc.nat(100)), (foretold, indices) => {
      const done = new DoneLines(foretold);
      const model = new Set<number>();
      for (const index of indices) {
        expect(done.add(index)).toBe(!model.has(index));
        model.add(index);
      }
      expect(done.count).toBe(model.size);
      for (let index = 0; index <= 100; index++) expect(done.has(index)).toBe(model.has(index));
    }),
  );
});

test('a million done lines take 125 kB', () => {
  const before = process.memoryUsage().arrayBuffers;
  const done = new DoneLines(1_000_000);
  for (let index = 0; index < 1_000_000; index++) done.add(index);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000);
  expect(done.count).toBe(1_000_000);
});
