import { createReadStream } from 'node:fs';
import { AipgError } from '../protocol/errors.ts';
import { DoneLines } from './done.ts';
import { splitLines } from './lines.ts';
import { RECORD_HEAD_BYTES, readRecordHead } from './record.ts';
import { READ_BYTES } from './survey.ts';

/** What is in the output of a batch that was stopped. */
export interface OutputScan {
  readonly done: DoneLines;
  /** Lines among them that ended in an error. */
  readonly failed: number;
  /** The whole records, in bytes: what comes after them is one that was cut off. */
  readonly bytes: number;
}

/**
 * Reads what a batch has written, in one pass and in constant memory.
 * @throws AipgError `usage` when it is not what this batch wrote
 */
export async function scanOutput(
  path: string,
  { lines, ordered, signal }: { lines: number; ordered: boolean; signal: AbortSignal },
): Promise<OutputScan> {
  const done = new DoneLines(lines);
  let failed = 0;
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
    if (ordered && head.index !== done.count) throw changed(path, `line ${number} is out of order`);
    if (!done.add(head.index)) throw changed(path, `line ${number} answers line ${head.index} once more`);
    if (head.failed) failed += 1;
    bytes = line.end;
  }
  return { done, failed, bytes };
}

function changed(path: string, what: string): AipgError {
  return new AipgError('usage', `${path} is not as the batch left it: ${what}.`, {
    hint: 'Restore it, or start over with another output file.',
  });
}
