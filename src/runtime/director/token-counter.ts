import type { Counted } from '../ledger/entry.ts';
import type { TokenCounts } from '../protocol/credits.ts';
import type { Sha256 } from '../protocol/model.ts';
import { isSealed, type JobInput } from '../protocol/sealed.ts';
import type { TextInput } from '../protocol/text.ts';

/** A finished job, as it is counted. */
export interface Finished {
  /** Absent where nobody knows it any more: then nothing of it is counted. */
  readonly input: TextInput | undefined;
  readonly modelSha256: Sha256;
  readonly text: string;
  readonly tokens: readonly number[];
  /** What the worker says of the prompt. */
  readonly inputTokens: number;
}

export type Count =
  | { readonly counts: TokenCounts; readonly counted: Counted }
  /** The output is none that this model can have given. */
  | { readonly mismatch: string };

/** How much work a finished job was, in a director's eyes. */
export type TokenCounter = (finished: Finished) => Promise<Count>;

/** Room for what a model's template puts around a conversation, and around each message, in tokens. */
const TEMPLATE_TOKENS = 256;
const MESSAGE_TOKENS = 16;

/** The most tokens that an input can be: no vocabulary makes more tokens of a text than it has bytes. */
export function mostInputTokens(input: JobInput): number {
  if (isSealed(input)) return TEMPLATE_TOKENS + input.prompt.bytes;
  const { prompt } = input;
  if (prompt.form === 'raw') return Buffer.byteLength(prompt.text) + 1;
  return prompt.messages.reduce(
    (sum, { content }) => sum + MESSAGE_TOKENS + Buffer.byteLength(content),
    TEMPLATE_TOKENS,
  );
}

/** The most that a job can come to. */
export function mostTokens(input: JobInput): TokenCounts {
  return { inputTokens: mostInputTokens(input), outputTokens: input.maxTokens };
}

/**
 * Counts without the model's vocabulary: as many output tokens as there are ids, but no more than the job asked for and
 * than the text has bytes, and one for its end; of the prompt what the worker says, but no more than it can be.
 */
export const countByIds: TokenCounter = async ({ input, text, tokens, inputTokens }) => ({
  counts: {
    inputTokens: input === undefined ? 0 : Math.min(inputTokens, mostInputTokens(input)),
    outputTokens: Math.min(
      tokens.length,
      Buffer.byteLength(text) + 1,
      input?.maxTokens ?? Number.POSITIVE_INFINITY,
    ),
  },
  counted: 'ids',
});
