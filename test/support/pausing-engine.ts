import { once } from 'node:events';
import type { Chunk, LoadedModel } from '../../src/runtime/engines/engine.ts';
import { INSTANT_FACTS } from './instant-facts.ts';

export interface PausingEngineOptions {
  readonly slots: number;
  /** After so many tokens of output it falls silent until it is stopped. */
  readonly tokens: number;
  /** What it does when it is stopped, before it lets go of the job. */
  readonly onStop?: () => Promise<void>;
}

/** The text of a token that this engine gives. */
export const wordOf = (token: number): string => `word${token} `;

/** An engine that stops in the middle of its answer, so that a test meets it there. */
export function pausingEngine({ slots, tokens, onStop }: PausingEngineOptions): LoadedModel {
  return {
    facts: INSTANT_FACTS,
    slots,
    threads: 1,
    async *generate({ resumeFrom = [] }, signal): AsyncGenerator<Chunk> {
      for (let token = resumeFrom.length + 1; token <= tokens; token++) {
        yield { text: wordOf(token), tokens: [token], promptTokens: 8 };
      }
      if (signal && !signal.aborted) await once(signal, 'abort');
      await onStop?.();
      signal?.throwIfAborted();
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
