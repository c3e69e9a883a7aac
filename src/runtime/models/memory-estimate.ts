import type { HeaderFacts } from './header-facts.ts';

/** What a model takes while it runs, in bytes. */
export interface MemoryEstimate {
  /** In tokens, of each slot. */
  readonly contextSize: number;
  readonly slots: number;
  readonly weightsBytes: number;
  /** Keys and values of the context, in half precision. */
  readonly contextBytes: number;
  /** What one step of the computation needs besides. */
  readonly computeBytes: number;
  readonly totalBytes: number;
}

export interface EstimateOptions {
  /** Size of all parts. */
  readonly fileBytes: number;
  /** In tokens. Default: the model's own, at most {@link DEFAULT_CONTEXT_SIZE}. */
  readonly contextSize?: number | undefined;
  /** Default: 1. */
  readonly slots?: number | undefined;
}

/** Largest context that the engine gives a slot without being asked for, in tokens. */
export const DEFAULT_CONTEXT_SIZE = 8_192;

const HALF = 2;
const FLOAT = 4;
/** Tokens that llama.cpp computes in one step of a prompt. */
const BATCH = 512;

/** Of so many layers one has full attention, the others a sliding window (llama.cpp, by architecture). */
const FULL_ATTENTION_EVERY: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3: 6,
  gemma3n: 5,
  'gpt-oss': 2,
  cohere2: 4,
};

/** What the model takes in memory, from its header alone. Where the header leaves something open, the upper bound. */
export function estimateMemory(facts: HeaderFacts, options: EstimateOptions): MemoryEstimate {
  const { fileBytes, slots = 1 } = options;
  const contextSize = options.contextSize ?? defaultContextSize(facts);
  const weightsBytes = fileBytes;
  const contextBytes = slots * kvBytes(facts, contextSize);
  const computeBytes = stepBytes(facts, Math.min(BATCH, contextSize));
  return {
    contextSize,
    slots,
    weightsBytes,
    contextBytes,
    computeBytes,
    totalBytes: weightsBytes + contextBytes + computeBytes,
  };
}

/** In tokens. */
export function defaultContextSize({ contextSize }: HeaderFacts): number {
  return Math.min(contextSize ?? DEFAULT_CONTEXT_SIZE, DEFAULT_CONTEXT_SIZE);
}

/** Keys and values of every token of the context, in every layer, in half precision. */
export function kvBytes(facts: HeaderFacts, contextSize: number): number {
  const { layers, kvHeads, keyLength, valueLength, slidingWindow, architecture } = facts;
  const fullEvery = slidingWindow ? FULL_ATTENTION_EVERY[architecture] : undefined;
  const windowed = Math.min(contextSize, (slidingWindow ?? 0) + BATCH);
  let numbers = 0;
  for (const layer of Array(Math.min(layers, 10_000)).keys()) {
    const isFull = fullEvery === undefined || layer % fullEvery === fullEvery - 1;
    numbers += at(kvHeads, layer) * (keyLength + valueLength) * (isFull ? contextSize : windowed);
  }
  return numbers * HALF;
}

/** The largest step is the one over the vocabulary, or the one over the feed-forward layer. */
function stepBytes({ vocabulary, embeddingLength, feedForwardLength }: HeaderFacts, batch: number): number {
  const hidden = 4 * embeddingLength;
  const widest =
    typeof feedForwardLength === 'number' ? feedForwardLength : Math.max(0, ...feedForwardLength);
  return batch * FLOAT * (hidden + Math.max(vocabulary, 2 * widest));
}

function at(value: number | readonly number[], layer: number): number {
  return typeof value === 'number' ? value : (value[layer] ?? 0);
}
