const LF = 0x0a;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Longest line of a batch's input, in bytes. A longer one is that line's error and never held in memory. */
export const MAX_LINE_BYTES = 1024 * 1024;

/** A piece of a file between two line breaks. */
export interface Line {
  /** Its first bytes: all of them where `length` is not over what was to be kept. */
  readonly bytes: Buffer;
  /** In bytes, without the line break. */
  readonly length: number;
  /** Where the next line starts, in bytes from the start. */
  readonly end: number;
  /** False for a last line without a line break. */
  readonly terminated: boolean;
}

/** Splits at line feeds, holding no more of a line than asked for. @param keep in bytes */
export async function* splitLines(source: AsyncIterable<Uint8Array>, keep: number): AsyncGenerator<Line> {
  let started: Buffer[] = [];
  let kept = 0;
  let length = 0;
  let offset = 0;
  const take = (piece: Buffer) => {
    const head = piece.subarray(0, keep - kept);
    if (head.length > 0) started.push(head);
    kept += head.length;
    length += piece.length;
    offset += piece.length;
  };
  const line = (terminated: boolean): Line => {
    const bytes = started.length === 1 ? (started[0] as Buffer) : Buffer.concat(started);
    const whole = { bytes, length, end: offset, terminated };
    started = [];
    kept = 0;
    length = 0;
    return whole;
  };
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      take(bytes.subarray(start, end));
      offset += 1;
      start = end + 1;
      yield line(true);
    }
    if (start < bytes.length) take(bytes.subarray(start));
  }
  if (length > 0) yield line(false);
}

/** One line of a batch's input. */
export interface InputLine {
  /** Its place among the lines that are not blank, from 0. */
  readonly index: number;
  /** Its place among all lines, from 1, as an editor counts. */
  readonly number: number;
  /** `undefined` for a line over {@link MAX_LINE_BYTES}. */
  readonly bytes: Buffer | undefined;
}

/** The lines of a batch's input as they come; blank ones are left out, and so is a byte order mark. */
export async function* readInput(source: AsyncIterable<Uint8Array>): AsyncGenerator<InputLine> {
  let index = 0;
  let number = 0;
  for await (const { bytes, length } of splitLines(source, MAX_LINE_BYTES)) {
    number += 1;
    const marked = number === 1 && bytes.subarray(0, BOM.length).equals(BOM);
    const text = marked ? bytes.subarray(BOM.length) : bytes;
    if (length <= MAX_LINE_BYTES && isBlank(text)) continue;
    yield { index, number, bytes: length > MAX_LINE_BYTES ? undefined : text };
    index += 1;
  }
}

/** Whether JSON has nothing but white space here; a carriage return before the line feed is some. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
