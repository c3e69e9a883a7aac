import type { LlamaModel, Token } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { TextInput } from '../../protocol/text.ts';
import type { ChatTemplate } from './chat-template.ts';

/**
 * The prompt's tokens, with the begin-of-sequence token where the model's file asks for one.
 * @throws AipgError `context-exceeded` when the context has no room for the output that was asked for.
 */
export function tokenizePrompt(
  prompt: TextInput['prompt'],
  model: LlamaModel,
  template: ChatTemplate,
  contextSize: number,
  outputRoom = 1,
): Token[] {
  // Whoever writes a raw prompt writes the template's control tokens too; in a message they are only text.
  const tokens =
    prompt.form === 'chat' ? template.tokenize(prompt.messages) : model.tokenize(prompt.text, true);
  const { bos, shouldPrependBosToken } = model.tokens;
  if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
  if (tokens.length + outputRoom > contextSize) {
    throw new AipgError(
      'context-exceeded',
      `The prompt has ${tokens.length} tokens; the context of ${contextSize} tokens has to hold it and at least ${outputRoom === 1 ? 'one token' : `${outputRoom} tokens`} of output.`,
      { hint: 'Shorten the prompt, or use a model or a worker with a larger context.' },
    );
  }
  return tokens;
}
