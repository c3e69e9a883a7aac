import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineBlocks, linesOf, MAX_LINE_BYTES } from '../../../src/runtime/ledger/line-blocks.ts';

const LINE_FEED = '\n'.charCodeAt(0);

/** Bytes of which many end a line, cut into pieces anywhere. */
const pieces = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(LINE_FEED), fc.nat(255)), { maxLength: 400 }),
    fc.array(fc.nat(400), { maxLength: 20 }),
  )
  .map(([bytes, cuts]) => {
    const text = Buffer.from(bytes);
    const places = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
    return places.slice(1).map((end, i) => text.subarray(places[i], end));
  });

async function blocksOf(generator: AsyncGenerator<Uint8Array>): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = [];
  for await (const block of generator) blocks.push(block);
  return blocks;
}

test('blocks are whole lines, and together what came', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 100 }), async (chunks, blockBytes) => {
      const blocks = await blocksOf(lineBlocks(chunks, blockBytes));
      expect(Buffer.concat(blocks)).toEqual(Buffer.concat(chunks));
      for (const block of blocks.slice(0, -1)) {
        expect(block.at(-1)).toBe(LINE_FEED);
        expect(block.length).toBeGreaterThanOrEqual(blockBytes);
      }
    }),
  );
});

test('a line without an end fills no memory', async () => {
  let read = 0;
  const endless = function* () {
    for (;;) {
      read += 1_000;
      yield Buffer.alloc(1_000, 'x');
    }
  };
  const blocks = await blocksOf(lineBlocks(endless()));
  expect(blocks).toHaveLength(1);
  expect(read).toBeLessThan(MAX_LINE_BYTES + 2_000);
});

test('the lines of a block have no ends, and what has none comes last', () => {
  const lines = linesOf(Buffer.from('one\n\ntwo\nrest'));
  const found: string[] = [];
  let line = lines.next();
  for (; !line.done; line = lines.next()) found.push(Buffer.from(line.value).toString());
  expect(found).toEqual(['one', '', 'two']);
  expect(Buffer.from(line.value).toString()).toBe('rest');
});
