import { createReadStream } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { AipgError } from '../protocol/errors.ts';
import { DoneLines } from './done.ts';
import { splitLines } from './lines.ts';
import { RECORD_HEAD_BYTES, readRecordHead } from './record.ts';
import { READ_BYTES } from './survey.ts';

/** What is in the output of a batch that was stopped. */
export interface OutputScan {
  readonly done: DoneLines;
  /** Lines among them that ended in an error. */
  readonly failed: DoneLines;
  /** The whole records, in bytes: what comes after them is one that was cut off. */
  readonly bytes: number;
}

export interface ScanOptions {
  /** Of the input. */
  readonly lines: number;
  readonly ordered: boolean;
  /** Whether it may leave out lines. Default: false. */
  readonly gaps?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads what a batch has written, in one pass and in constant memory.
 * @throws AipgError `usage` when it is not what this batch wrote
 */
export async function scanOutput(path: string, options: ScanOptions): Promise<OutputScan> {
  const { lines, ordered, gaps = false, signal } = options;
  const done = new DoneLines(lines);
  const failed = new DoneLines(lines);
  let bytes = 0;
  let number = 0;
  const source = createReadStream(path, { highWaterMark: READ_BYTES, signal });
  for await (const line of splitLines(source, RECORD_HEAD_BYTES)) {
    if (!line.terminated) break;
    number += 1;
    const head = readRecordHead(line.bytes);
    if (!head) throw changed(path, `line ${number} is not a record of it`);
    if (head.index >= lines)
      throw changed(path, `line ${number} answers a line that the input does not have`);
    const inOrder = gaps ? head.index > done.highest : head.index === done.count;
    if (ordered && !inOrder) throw changed(path, `line ${number} is out of order`);
    if (!done.add(head.index)) throw changed(path, `line ${number} answers line ${head.index} once more`);
    if (head.failed) failed.add(head.index);
    bytes = line.end;
  }
  return { done, failed, bytes };
}

/** What a file has; a record at its end that was half written is cut off. */
export async function scanWhole(path: string, options: ScanOptions): Promise<OutputScan> {
  const size = await sizeOf(path);
  if (size === undefined) {
    return { done: new DoneLines(options.lines), failed: new DoneLines(options.lines), bytes: 0 };
  }
  const scan = await scanOutput(path, options);
  if (scan.bytes < size) await truncate(path, scan.bytes);
  return scan;
}

function changed(path: string, what: string): AipgError {
  return new AipgError('usage', `${path} is not as the batch left it: ${what}.`, {
    hint: 'Restore it, or start over with another output file.',
  });
}

/** In bytes; `undefined` when there is no such file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AipgError('usage', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
}
