import type { Chunk, LoadedModel } from '../../src/runtime/engines/engine.ts';
import { INSTANT_FACTS } from '../../test/support/instant-facts.ts';

export const INSTANT_MODEL = INSTANT_FACTS.name;
/** One token of its output, and its text. */
export const PIECE = { token: 7, text: 'piece ' } as const;

/** A model that answers at once: as many chunks of one token as the job asks for, all in one go. */
export function instantModel(slots: number): LoadedModel {
  return {
    facts: INSTANT_FACTS,
    slots,
    threads: 1,
    async *generate({ maxTokens }): AsyncGenerator<Chunk> {
      const chunk = { text: PIECE.text, tokens: [PIECE.token] };
      for (let piece = 1; piece < maxTokens; piece++) yield chunk;
      yield {
        ...chunk,
        finish: { reason: 'length', promptTokens: 8, outputTokens: maxTokens, sampler: 'gumbel-1' },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
