import { setTimeout as delay } from 'node:timers/promises';
import type { Chunk, LoadedModel } from '../engines/engine.ts';
import type { ModelName } from '../protocol/model.ts';

export interface Throttle {
  /** The name under which it is served. */
  readonly name: ModelName;
  /** Most tokens a second of each slot. */
  readonly tokensPerSecond: number;
}

/** A model that computes as it does and hands its output out no faster than told: a slower machine on this one. */
export function throttle(model: LoadedModel, { name, tokensPerSecond }: Throttle): LoadedModel {
  return {
    facts: { ...model.facts, name },
    slots: model.slots,
    threads: model.threads,
    generate: (input, signal) => paced(model.generate(input, signal), tokensPerSecond, signal),
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}

async function* paced(
  chunks: AsyncIterable<Chunk>,
  tokensPerSecond: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  const startedAt = performance.now();
  let tokens = 0;
  for await (const chunk of chunks) {
    tokens += chunk.tokens.length;
    const early = startedAt + (1_000 * tokens) / tokensPerSecond - performance.now();
    if (early > 0) await delay(early, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    signal?.throwIfAborted();
    yield chunk;
  }
}
