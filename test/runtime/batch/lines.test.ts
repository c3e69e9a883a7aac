import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type InputLine, MAX_LINE_BYTES, readInput, splitLines } from '../../../src/runtime/batch/lines.ts';

/** The bytes in pieces of the given sizes, the last taking the rest. */
async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const size of sizes) {
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
  yield bytes.subarray(offset);
}

async function read(text: string | Buffer, sizes: readonly number[] = []) {
  const lines: InputLine[] = [];
  for await (const line of readInput(pieces(Buffer.from(text), sizes))) lines.push(line);
  return lines.map(({ index, number, bytes }) => ({ index, number, text: bytes?.toString() }));
}

test('lines are split wherever the pieces are cut, and none is held longer than asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 20 }).map((line) => line.replaceAll('\n', ' '))),
      fc.boolean(),
      fc.array(fc.nat(12)),
      fc.integer({ min: 1, max: 24 }),
      async (texts, terminated, sizes, keep) => {
        const bytes = Buffer.from(texts.join('\n') + (terminated ? '\n' : ''));
        let end = 0;
        let rebuilt = 0;
        for await (const line of splitLines(pieces(bytes, sizes), keep)) {
          const whole = bytes.subarray(end, line.end - (line.terminated ? 1 : 0));
          expect(line.length).toBe(whole.length);
          expect(line.bytes).toEqual(whole.subarray(0, keep));
          end = line.end;
          rebuilt += 1;
        }
        expect(end).toBe(bytes.length);
        expect(rebuilt).toBe(
          bytes.toString().split('\n').length - (bytes.length === 0 || bytes.at(-1) === 10 ? 1 : 0),
        );
      },
    ),
  );
});

test('blank lines are left out, of the index and not of the number', async () => {
  expect(await read('\n"a"\r\n \t\r\n\n"b"\n')).toEqual([
    { index: 0, number: 2, text: '"a"\r' },
    { index: 1, number: 5, text: '"b"' },
  ]);
});

test('a byte order mark is left out, even in pieces', async () => {
  expect(await read('\uFEFF"a"\n"b"', [1, 1])).toEqual([
    { index: 0, number: 1, text: '"a"' },
    { index: 1, number: 2, text: '"b"' },
  ]);
  expect(await read('\uFEFF\n"a"')).toMatchObject([{ index: 0, number: 2 }]);
});

test('the last line needs no line break, and an empty input has no lines', async () => {
  expect(await read('"a"')).toMatchObject([{ index: 0 }]);
  expect(await read('')).toEqual([]);
});

test('a line over the limit keeps its place and is not held', async () => {
  const long = 'a'.repeat(MAX_LINE_BYTES + 1);
  expect(await read(`"a"\n${long}\n"b"\n`, [100_000, 500_000])).toEqual([
    { index: 0, number: 1, text: '"a"' },
    { index: 1, number: 2, text: undefined },
    { index: 2, number: 3, text: '"b"' },
  ]);
});
