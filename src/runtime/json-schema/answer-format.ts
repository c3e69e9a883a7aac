import { AipgError } from '../protocol/errors.ts';
import type { Outcome } from '../protocol/events.ts';
import type { Format } from '../protocol/format.ts';
import type { TextInput } from '../protocol/text.ts';
import type { Check } from './check.ts';

/** A format that can be enforced, and what checks an answer against all of it. */
export interface AnswerFormat {
  readonly format: Format;
  readonly check: Check;
}

/** @throws AipgError `job-failed` for an answer that is cut short or does not satisfy its format */
export function requireFormat(
  { check }: AnswerFormat,
  { text, outcome }: { readonly text: string; readonly outcome: Outcome },
  { maxTokens }: Pick<TextInput, 'maxTokens'>,
): void {
  if (outcome.finishReason === 'length') {
    const full = outcome.outputTokens < maxTokens;
    throw new AipgError(
      'job-failed',
      full
        ? `The context of the model was full after ${outcome.outputTokens} tokens of output, before the JSON was complete.`
        : `The answer was cut at ${maxTokens} tokens, before the JSON was complete.`,
      {
        hint: full
          ? 'Shorten the prompt, use a model with a larger context, or bound the schema by maxLength and maxItems.'
          : 'Raise --max-tokens, or bound the schema by maxLength and maxItems.',
      },
    );
  }
  const wrong = check(text);
  if (wrong === undefined) return;
  throw new AipgError('job-failed', `The answer ${wrong}.`, {
    hint: 'This part of the schema is checked, not enforced: ask for it in the prompt, or try another --seed.',
  });
}
