import type { Token } from 'node-llama-cpp';
import type { TextInput } from '../../protocol/text.ts';
import type { ChatTemplate } from './chat-template.ts';

/** Tokens that end an output besides the model's own, and are not part of it. */
export function endTokensOf({ prompt }: TextInput, { endTokens }: ChatTemplate): ReadonlySet<Token> {
  return new Set(prompt.form === 'chat' ? endTokens : []);
}

/** Texts that end an output besides the job's stop strings. */
export function endTextsOf({ prompt, format }: TextInput, { endTexts }: ChatTemplate): readonly string[] {
  // A grammar knows its own end, and an end text may stand in a string.
  return prompt.form === 'chat' && format === undefined ? endTexts : [];
}
