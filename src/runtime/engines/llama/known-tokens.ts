import type { LlamaModel } from 'node-llama-cpp';

/** How many tokens a model's vocabulary has: every id is smaller. */
export function vocabularySize(model: LlamaModel): number {
  return model.fileInfo.metadata?.tokenizer?.ggml?.tokens?.length ?? 0;
}

/**
 * The first id that the vocabulary does not have. To be asked of every id that comes from elsewhere: llama.cpp ends the
 * process at one that it does not know.
 */
export function unknownToken(model: LlamaModel, tokens: readonly number[]): number | undefined {
  const size = vocabularySize(model);
  return tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= size);
}
