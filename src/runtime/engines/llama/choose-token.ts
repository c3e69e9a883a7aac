import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { JsonEnd } from '../../json-schema/json-end.ts';
import { AipgError } from '../../protocol/errors.ts';
import { SAMPLER_VERSION, type SamplerName } from '../../protocol/text.ts';
import type { GenerateInput } from '../engine.ts';
import { createSampler } from '../sampler/sampler.ts';
import { decode } from './decode.ts';
import type { Grammars } from './grammars.ts';
import { LogProbs } from './log-probs.ts';

/** How the next token of one output is chosen; disposed of when the output has ended. */
export interface TokenChooser extends AsyncDisposable {
  readonly sampler: SamplerName;
  /** Takes in a token of an earlier attempt. */
  accept(token: Token): void;
  /** Decodes tokens, the newest of the history, and chooses what follows them. @param position of the output, from 0 */
  next(
    sequence: LlamaContextSequence,
    tokens: readonly Token[],
    position: number,
    history: readonly Token[],
  ): Promise<Token>;
  /** Whether the output is complete with this piece of text; absent where no text completes it. */
  readonly completes?: (text: string) => boolean;
}

/** @throws AipgError `input-invalid` for a format that cannot be enforced */
export async function chooseTokens(input: GenerateInput, grammars: Grammars): Promise<TokenChooser> {
  const { format, sampling, seed, stop } = input;
  if (format === undefined) return freely(input);
  if (stop.length > 0) {
    throw new AipgError(
      'input-invalid',
      'A stop string could cut the JSON short, so the two do not go together.',
      {
        hint: 'Leave out the stop strings: JSON has its own end.',
      },
    );
  }
  const sampler = await grammars.sampler(format, sampling, seed);
  const end = new JsonEnd();
  return {
    sampler: 'grammar',
    accept: (token) => sampler.accept(token),
    next: (sequence, tokens, position, history) => sampler.next(sequence, tokens, position, history),
    completes: (text) => end.push(text),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** By our own sampler, from the likeliest tokens of all. */
function freely({ sampling, seed }: GenerateInput): TokenChooser {
  const sampler = createSampler(sampling, seed);
  const logProbs = new LogProbs();
  // The penalty goes by the sign of a logit.
  const likeliest = sampling.repeatPenalty === 1 ? logProbs.next.bind(logProbs) : decode;
  return {
    sampler: SAMPLER_VERSION,
    accept: () => undefined,
    next: async (sequence, tokens, position, history) =>
      sampler.pick(await likeliest(sequence, tokens), position, history) as Token,
    [Symbol.asyncDispose]: () => logProbs[Symbol.asyncDispose](),
  };
}
