import { createReadStream } from 'node:fs';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DoneLines } from './done.ts';
import { splitLines } from './lines.ts';
import { readRecordHead } from './record.ts';
import { type ScanOptions, scanOutput } from './scan-output.ts';
import { FileSink } from './sink.ts';
import { syncFolder } from './state.ts';
import { READ_BYTES } from './survey.ts';

/**
 * Where the records of lines that are done again go until all are there. The output stays as it is that long: it is
 * then replaced in one step, so that a kill at any moment leaves one that is whole and in order.
 */
export function retriedFile(output: string): string {
  return `${output}.retried`;
}

/**
 * Puts retried records in the place of those in the output, and new ones after them. Where it is killed, doing it
 * again comes to the same. Memory does not grow with the count of lines.
 * @throws AipgError `usage` when the retried records are not what this batch wrote; the abort's error
 */
export async function mergeRetried(output: string, options: Omit<ScanOptions, 'gaps'>): Promise<void> {
  const file = retriedFile(output);
  const { done, bytes } = await scanOutput(file, { ...options, gaps: true });
  const merged = `${output}.new`;
  await rm(merged, { force: true });
  const mode = (await stat(output)).mode & 0o777;
  {
    await using sink = await FileSink.open(merged, mode);
    const from = (path: string, end: number) => records(path, end, options.signal);
    for await (const record of merge(
      from(output, Number.POSITIVE_INFINITY),
      from(file, bytes),
      done,
      options,
    )) {
      await sink.write(record);
    }
    await sink.finish();
  }
  // The user's umask may have taken from it.
  await chmod(merged, mode);
  await rename(merged, output);
  await syncFolder(dirname(output));
  await rm(file);
}

/** In order, both have their lines in it, so the next retried one is the one whose place it is. */
async function* merge(
  before: AsyncIterable<string>,
  retried: AsyncGenerator<string>,
  done: DoneLines,
  { ordered }: { readonly ordered: boolean },
): AsyncGenerator<string> {
  for await (const record of before) {
    const head = readRecordHead(Buffer.from(record.slice(0, 64)));
    if (head === undefined || !done.has(head.index)) yield record;
    else if (ordered) {
      const next = await retried.next();
      if (!next.done) yield next.value;
    }
  }
  yield* retried;
}

/** The whole records of a file up to a byte, each with its line break. */
async function* records(path: string, end: number, signal: AbortSignal): AsyncGenerator<string> {
  const source = createReadStream(path, { highWaterMark: READ_BYTES, signal });
  for await (const line of splitLines(source, Number.MAX_SAFE_INTEGER)) {
    if (!line.terminated || line.end > end) return;
    yield `${line.bytes.toString()}\n`;
  }
}
