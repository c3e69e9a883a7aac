import { isSealed, type JobInput } from './sealed.ts';
import type { TextInput } from './text.ts';

/** What a sealed job's size is rounded up to, in bytes, and what each of its messages counts beside its text. */
const SIZE_STEP = 1_024;
const MESSAGE_BYTES = 16;

/** Every text of a job that somebody has written. */
export function* textsOf({ prompt, stop, format }: TextInput): Generator<string> {
  if (prompt.form === 'raw') yield prompt.text;
  else for (const { content } of prompt.messages) yield content;
  yield* stop;
  if (format?.type === 'schema') yield* stringsOf(format.schema);
}

/** Of the messages or the raw prompt, in UTF-8; of a sealed one the most that it may have. */
export function promptBytes(input: JobInput): number {
  if (isSealed(input)) return input.prompt.bytes;
  const { prompt } = input;
  if (prompt.form === 'raw') return Buffer.byteLength(prompt.text);
  return prompt.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
}

/** The size by which a sealed input goes: no less than its prompt's, and not exactly that. */
export function sealedBytes(input: TextInput): number {
  const messages = input.prompt.form === 'chat' ? input.prompt.messages.length : 1;
  return Math.ceil((promptBytes(input) + MESSAGE_BYTES * messages) / SIZE_STEP) * SIZE_STEP;
}

function* stringsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      yield key;
      yield* stringsOf(inner);
    }
  }
}
