import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { SAMPLER_CANDIDATES } from '../sampler/candidates.ts';

const WITH_PROBABILITIES = { probabilities: true } as const;
/** Without a sum over the whole vocabulary, and with the logits as they are: what the library chooses is not used. */
const LIKELIEST = {
  topK: SAMPLER_CANDIDATES,
  temperature: 1,
  topP: 1,
  minP: 0,
  yieldEogToken: true,
} as const;

const stepsOf = (sequence: LlamaContextSequence, tokens: Token[]) =>
  sequence.evaluateWithMetadata(tokens, WITH_PROBABILITIES, LIKELIEST);

/**
 * The likeliest tokens after those of one output, each with its log probability among them: its logit, less what is the
 * same for all. Asked so, the library keeps one sampler for the output; asked for logits it makes one for each token,
 * with room for the whole vocabulary: two milliseconds where that has 131,072 tokens.
 */
export class LogProbs implements AsyncDisposable {
  #steps: ReturnType<typeof stepsOf> | undefined;

  /** Decodes tokens into the sequence, which is the same each time, and returns what may follow the last. */
  async next(
    sequence: LlamaContextSequence,
    tokens: readonly Token[],
  ): Promise<(readonly [token: Token, logProb: number])[]> {
    const input = [...tokens];
    this.#steps ??= stepsOf(sequence, input);
    const { value } = await this.#steps.next(input);
    if (!value?.probabilities) throw new Error('llama.cpp returned no probabilities');
    return Array.from(value.probabilities, ([token, probability]) => [token, Math.log(probability)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#steps?.return();
  }
}
