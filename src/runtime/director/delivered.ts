import type { Part } from '../protocol/part.ts';
import type { Shown } from './shown.ts';

/** The beginning of an output, up to where all of it was delivered. */
export interface Delivered {
  readonly text: string;
  readonly tokens: readonly number[];
}

/**
 * How much of what a worker says that it has streamed was shown to the job's readers before the end, without a gap. What
 * others have published under the job says something else, and does not count against the worker; what the worker has
 * signed and not shown counts for nothing.
 * @param fromFirst the first events are forgotten, as those of a job that took long: it begins with the first there is
 */
export function deliveredOf(
  { text, tokens }: Pick<Part, 'text' | 'tokens'>,
  { chunks }: Pick<Shown, 'chunks'>,
  fromFirst = false,
): Delivered {
  const agreeing = chunks
    .filter(
      (chunk) =>
        text.startsWith(chunk.text, chunk.textOffset) &&
        chunk.tokens.every((token, at) => token === tokens[chunk.tokenOffset + at]),
    )
    .sort((a, b) => a.tokenOffset - b.tokenOffset || a.textOffset - b.textOffset);
  const [first] = agreeing;
  let reached =
    fromFirst && first ? { text: first.textOffset, tokens: first.tokenOffset } : { text: 0, tokens: 0 };
  for (const {
    textOffset,
    tokenOffset,
    text: { length },
    tokens: { length: count },
  } of agreeing) {
    if (textOffset > reached.text || tokenOffset > reached.tokens) continue;
    const end = { text: textOffset + length, tokens: tokenOffset + count };
    // A chunk ends where its tokens stand for exactly its text: never between what two of them say.
    if (end.text >= reached.text && end.tokens >= reached.tokens) reached = end;
  }
  return { text: text.slice(0, reached.text), tokens: tokens.slice(0, reached.tokens) };
}

/** The same of a sealed job: how many tokens its pieces are, and how many bytes. */
export function sealedDelivered(
  { sealed }: Pick<Shown, 'sealed'>,
  fromFirst = false,
): { readonly tokens: number; readonly bytes: number } {
  const pieces = [...sealed].sort((a, b) => a.tokenOffset - b.tokenOffset);
  let reached = (fromFirst && pieces[0]?.tokenOffset) || 0;
  let bytes = 0;
  for (const { tokenOffset, tokens, content } of pieces) {
    if (tokenOffset > reached || tokenOffset + tokens <= reached) continue;
    reached = tokenOffset + tokens;
    bytes += Buffer.byteLength(content, 'base64');
  }
  return { tokens: reached, bytes };
}
