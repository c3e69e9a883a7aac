import type { LlamaModel, Token } from 'node-llama-cpp';
import { JsonEnd } from '../../json-schema/json-end.ts';
import { AipgError } from '../../protocol/errors.ts';
import type { TextInput } from '../../protocol/text.ts';
import type { ChatTemplate } from './chat-template.ts';
import { endTextsOf, endTokensOf } from './ends.ts';
import { unknownToken } from './known-tokens.ts';
import { Output } from './output.ts';
import { tokenizePrompt } from './prompt.ts';

/** What a worker says that it has generated. */
export interface Delivered {
  readonly input: TextInput;
  readonly text: string;
  readonly tokens: readonly number[];
}

/** How many tokens that was, or why a model cannot have given it. */
export type Recount =
  | { readonly inputTokens: number; readonly outputTokens: number }
  | { readonly mismatch: string };

/** What a model's file says of tokens, without its weights. */
export interface Vocabulary {
  readonly model: LlamaModel;
  readonly template: ChatTemplate;
}

/**
 * One text can be cut into tokens in many ways, and a model that samples does not always take the shortest: under a
 * grammar, least of all. So many more tokens than the vocabulary makes of the text are believed; who cuts it into single
 * letters gains no more than this.
 */
const SPARE_SHARE = 4;
const SPARE_TOKENS = 8;

/**
 * Counts what was delivered by the engine's own rules: the prompt as the engine renders and tokenises it, and of the
 * output every id that gave text. The ids must be the vocabulary's, must give exactly the text, and must end where the
 * engine would have ended.
 */
export function recount(vocabulary: Vocabulary, delivered: Delivered): Recount {
  const { model, template } = vocabulary;
  const { input, text, tokens } = delivered;
  const fault = faultOf(vocabulary, delivered);
  if (fault !== undefined) return { mismatch: fault };
  const prompt = promptTokens(input, model, template);
  if (prompt === undefined) return { mismatch: "the model's template refuses the conversation" };
  const output = new Output(model, prompt, [...input.stop, ...endTextsOf(input, template)]);
  const end = input.format && new JsonEnd();
  let length = 0;
  let ended = false;
  const follows = (piece: string): boolean => {
    const from = length;
    length += piece.length;
    return text.startsWith(piece, from);
  };
  for (const token of tokens as readonly Token[]) {
    if (ended) return { mismatch: 'there are tokens behind the end of the output' };
    const passed = output.push(token);
    if (!follows(passed.text)) return { mismatch: 'the tokens give another text' };
    ended = passed.stopped || (end?.push(passed.text) ?? false);
  }
  if (!ended && !follows(output.flush().text)) return { mismatch: 'the tokens give another text' };
  if (length !== text.length) return { mismatch: 'the tokens give less than the text' };
  const shortest = text === '' ? 0 : model.tokenize(text, false, 'trimLeadingSpace').length;
  const most = shortest + Math.floor(shortest / SPARE_SHARE) + SPARE_TOKENS;
  return {
    inputTokens: prompt.length,
    outputTokens: Math.min(tokens.length - output.silentTokens, most),
  };
}

/** What is wrong with the ids alone. */
function faultOf({ model, template }: Vocabulary, { input, tokens }: Delivered): string | undefined {
  if (tokens.length > input.maxTokens) return 'there are more tokens than the job asked for';
  const unknown = unknownToken(model, tokens);
  if (unknown !== undefined) return `token ${unknown} is not in the model's vocabulary`;
  const ends = endTokensOf(input, template);
  const isEnd = (token: Token) => model.isEogToken(token) || ends.has(token);
  return tokens.some((token) => isEnd(token as Token)) ? 'an end of the output stands within it' : undefined;
}

function promptTokens(
  { prompt }: TextInput,
  model: LlamaModel,
  template: ChatTemplate,
): readonly Token[] | undefined {
  try {
    return tokenizePrompt(prompt, model, template, Number.POSITIVE_INFINITY);
  } catch (error) {
    if (error instanceof AipgError) return undefined;
    throw error;
  }
}
