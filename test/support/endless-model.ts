import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TINY = join(import.meta.dirname, '../../models/aipg-tiny-f16.gguf');
const END_TOKEN = '<|end|>';
const UNSIGNED_32 = 4;

/**
 * The bundled model with its end-of-turn token under another name: it talks until a limit stops it, so that a test has time to disturb it. 1,500 tokens take it a second or two.
 */
export function writeEndlessModel(file: string): string {
  const text = readFileSync(TINY)
    .toString('latin1')
    // The template's mark after a message would end an answer of a chat: a comment of its length stands there.
    .replace(`${END_TOKEN}{% endfor %}`, '{# . #}{% endfor %}')
    .replaceAll(END_TOKEN, '<|und|>');
  const bytes = Buffer.from(text, 'latin1');
  for (const key of ['tokenizer.ggml.eos_token_id', 'tokenizer.ggml.eot_token_id']) {
    const at = bytes.indexOf(key) + key.length;
    if (bytes.readUInt32LE(at) !== UNSIGNED_32) throw new Error(`${key} is not where it was expected.`);
    // The unknown token, which this model never picks.
    bytes.writeUInt32LE(0, at + 4);
  }
  writeFileSync(file, bytes);
  return file;
}
