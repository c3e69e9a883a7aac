/** Bytes of an export that are checked at once: some 300 entries, a few hundredths of a second. */
export const BLOCK_BYTES = 256 * 1024;
/** No entry is as long: the longest is a fourth of it. */
export const MAX_LINE_BYTES = 16 * 1024;

const LINE_FEED = 0x0a;

/**
 * The lines of a text that comes in pieces, in blocks of whole lines with memory of their own. What does not end with a
 * line is the end of the last block; a line that is too long is cut off, and nothing comes after it.
 */
export async function* lineBlocks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  blockBytes = BLOCK_BYTES,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  /** Of the line that has not ended. */
  let unended = 0;
  const add = (piece: Uint8Array) => {
    pieces.push(piece);
    bytes += piece.length;
  };
  const take = () => {
    const block = join(pieces, bytes);
    pieces = [];
    bytes = 0;
    return block;
  };
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    const rest = chunk.subarray(end);
    if (end > 0) {
      add(chunk.subarray(0, end));
      unended = 0;
      if (bytes >= blockBytes) yield take();
    }
    add(rest);
    unended += rest.length;
    if (unended > MAX_LINE_BYTES) return yield take();
  }
  if (bytes > 0) yield take();
}

/** The lines of a block, without their ends. @returns what has no end */
export function* linesOf(block: Uint8Array): Generator<Uint8Array, Uint8Array> {
  let from = 0;
  for (let end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, from)) {
    yield block.subarray(from, end);
    from = end + 1;
  }
  return block.subarray(from);
}

function join(pieces: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
