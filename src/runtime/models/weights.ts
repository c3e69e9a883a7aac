import { bytesOfValues } from '../gguf/tensor-types.ts';

/** A number of weights and the bytes that they take as they are quantised. */
export interface WeightCount {
  readonly values: number;
  readonly bytes: number;
}

/** The weights of a model, or of one part of it, by how often a token uses them. */
export interface Weights {
  /** Every token uses them all. */
  readonly shared: WeightCount;
  /** One expert of each layer of a mixture: a token uses as many of these as the model chooses experts. */
  readonly expert: WeightCount;
  /** Of these a token looks one row up. */
  readonly embedding: WeightCount;
  /** From the last layer to the vocabulary; none where the embedding serves for it. */
  readonly output: WeightCount;
}

export const NO_WEIGHTS: Weights = {
  shared: { values: 0, bytes: 0 },
  expert: { values: 0, bytes: 0 },
  embedding: { values: 0, bytes: 0 },
  output: { values: 0, bytes: 0 },
};

/** A tensor as a header tells of it. */
export interface HeaderTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  /** ggml's number of its type. */
  readonly type: number;
}

/** The weights with one tensor more. The names are llama.cpp's own (`llama-arch.cpp`). */
export function withTensor(weights: Weights, { name, dimensions, type }: HeaderTensor): Weights {
  const isExperts = /_exps\.(?:weight|bias)$/.test(name);
  // The experts lie one after the other, along the last dimension.
  const experts = isExperts ? Math.max(1, dimensions.at(-1) ?? 1) : 1;
  const values = dimensions.reduce((product, dimension) => product * dimension, 1) / experts;
  const use = isExperts
    ? 'expert'
    : /token_embd\.weight$/.test(name)
      ? 'embedding'
      : name === 'output.weight'
        ? 'output'
        : 'shared';
  const more = { values, bytes: bytesOfValues(type, values) };
  return { ...weights, [use]: add(weights[use], more) };
}

/** The weights of all parts of a model. */
export function sumWeights(parts: readonly Weights[]): Weights {
  return parts.reduce(
    (sum, part) => ({
      shared: add(sum.shared, part.shared),
      expert: add(sum.expert, part.expert),
      embedding: add(sum.embedding, part.embedding),
      output: add(sum.output, part.output),
    }),
    NO_WEIGHTS,
  );
}

function add(a: WeightCount, b: WeightCount): WeightCount {
  return { values: a.values + b.values, bytes: a.bytes + b.bytes };
}
