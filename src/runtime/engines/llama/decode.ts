import type { ControlledEvaluateInputItem, LlamaContextSequence, Token } from 'node-llama-cpp';
import { SAMPLER_CANDIDATES } from '../sampler/candidates.ts';

/** The likeliest tokens after the ones decoded, with their raw logits. */
export type Logits = ReadonlyMap<Token, number>;

const WITH_LOGITS = {
  generateNext: {
    logits: { filter: { tokens: [], includeTop: SAMPLER_CANDIDATES } },
    // What the library itself would choose is not used; this alone keeps it from sorting the whole vocabulary, and
    // leaves the logits as they are.
    options: { topK: SAMPLER_CANDIDATES, temperature: 1, topP: 1, minP: 0 },
  },
};

/** Decodes tokens into a sequence and returns the logits after the last. @param tokens 1 or more. */
export async function decode(sequence: LlamaContextSequence, tokens: readonly Token[]): Promise<Logits> {
  const input: ControlledEvaluateInputItem[] = [...tokens];
  input[tokens.length - 1] = [tokens[tokens.length - 1] as Token, WITH_LOGITS];
  const logits = (await sequence.controlledEvaluate(input)).at(-1)?.next.logits;
  if (logits === undefined) throw new Error('llama.cpp returned no logits');
  return logits;
}

/** Decodes tokens into a sequence without asking for logits. */
export async function prefill(sequence: LlamaContextSequence, tokens: readonly Token[]): Promise<void> {
  await sequence.controlledEvaluate([...tokens]);
}
