import { createHash } from 'node:crypto';
import type { Chunk, LoadedModel } from '../../src/runtime/engines/engine.ts';
import { INSTANT_FACTS } from './instant-facts.ts';

export interface InstantEngineOptions {
  readonly slots: number;
  /** Resolves when a job may be answered; what it throws is the job's error. */
  readonly before?: (prompt: string) => Promise<void>;
}

/** An engine that answers at once, with a text that follows from prompt and seed as a real one's does. */
export function instantEngine({ slots, before }: InstantEngineOptions): LoadedModel {
  return {
    facts: INSTANT_FACTS,
    slots,
    threads: 1,
    async *generate({ prompt, seed }): AsyncGenerator<Chunk> {
      const text = prompt.form === 'raw' ? prompt.text : (prompt.messages.at(-1)?.content ?? '');
      await before?.(text);
      const noise = createHash('sha256').update(`${text} ${seed}`).digest('hex').slice(0, 8);
      const sampler = 'gumbel-1';
      const finish = { reason: 'stop', promptTokens: 8, outputTokens: 1, sampler } as const;
      yield { text: `${text} → ${noise}`, tokens: [7], finish };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
