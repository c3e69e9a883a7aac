import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { sha256Schema } from '../protocol/model.ts';
import { readInput } from './lines.ts';
import type { BatchState } from './state.ts';

/** Read at once, in bytes. */
export const READ_BYTES = 256 * 1024;

/** Reads a batch's input once: how many lines there are, and a hash by which the same input is known again. */
export async function surveyInput(path: string, signal: AbortSignal): Promise<BatchState['input']> {
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = 0;
  const hashed = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  for await (const _ of readInput(hashed(createReadStream(path, { highWaterMark: READ_BYTES, signal })))) {
    lines += 1;
  }
  return { bytes, sha256: sha256Schema.parse(hash.digest('hex')), lines };
}
