import type { TextInput } from './text.ts';

/** Every text of a job that somebody has written. */
export function* textsOf({ prompt, stop, format }: TextInput): Generator<string> {
  if (prompt.form === 'raw') yield prompt.text;
  else for (const { content } of prompt.messages) yield content;
  yield* stop;
  if (format?.type === 'schema') yield* stringsOf(format.schema);
}

/** Of the messages or the raw prompt, in UTF-8. */
export function promptBytes({ prompt }: Pick<TextInput, 'prompt'>): number {
  if (prompt.form === 'raw') return Buffer.byteLength(prompt.text);
  return prompt.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
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
