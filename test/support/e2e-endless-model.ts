import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ONE_THREAD, TINY_MODEL } from './aipg.ts';

/**
 * Writes a copy of the bundled model that never ends its answer, so that a test can meet a job in the middle: its
 * end-of-turn token has another name and another id. About 900 tokens a second, up to its context of 2,048.
 */
export async function writeEndlessModel(folder: string): Promise<string> {
  const bytes = await readFile(TINY_MODEL);
  for (const key of ['tokenizer.ggml.eos_token_id', 'tokenizer.ggml.eot_token_id']) {
    const at = bytes.indexOf(key);
    if (at < 0) throw new Error(`The bundled model has no ${key}.`);
    // The key is followed by its type, 4 bytes, and its value.
    bytes.writeUInt32LE(0, at + key.length + 4);
  }
  bytes.write('<|bye|>', bytes.indexOf('<|end|>'));
  const path = join(folder, 'endless.gguf');
  await writeFile(path, bytes);
  return path;
}

/** Words of a job on it that takes about two seconds. */
export const LONG_JOB = [
  ...ONE_THREAD,
  '--raw',
  ...['-n', '1600', '--temperature', '0.8', '--seed', '5'],
  'Once upon a time',
];
