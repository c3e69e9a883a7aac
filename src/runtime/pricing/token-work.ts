import type { GgufHeader } from '../models/gguf-header.ts';
import { factsOf, type HeaderFacts } from '../models/header-facts.ts';
import { defaultContextSize, kvBytes } from '../models/memory-estimate.ts';
import { sumWeights, type WeightCount } from '../models/weights.ts';

/**
 * What one token of a model costs whoever computes it, in bytes moved through a processor; arithmetic counts as the
 * bytes that could have been moved meanwhile. Whole numbers from 1 to {@link MOST_WORK}.
 */
export interface TokenWork {
  /** Of a token of the prompt, computed together with hundreds of others: arithmetic alone. */
  readonly input: number;
  /** Of a token of the output, computed alone: all weights that it uses are read, and the context. */
  readonly output: number;
}

/**
 * Floating-point operations that a processor does in the time in which it reads one byte. A laptop's CPU does some 16;
 * a GPU with matrix units a hundred and more, to which a prompt is all the cheaper. So no machine loses by it.
 */
export const FLOP_PER_BYTE = 16;
/** A multiplication and an addition. */
const FLOP_PER_WEIGHT = 2;
/** More than any model costs, and still a safe integer. */
export const MOST_WORK = 1e15;

/**
 * The work of a token by a model's header alone, the same for a model in one file or in many and under any name:
 *
 *     input  = FLOP(layers) / 16
 *     output = bytes(layers, output) + bytes(context) + FLOP(layers, output) / 16
 *
 * Of a mixture of experts those weights count that one token uses. The context is half of what a slot has by default:
 * so far a token looks back on average. docs/prices.md says why.
 * @param name for messages
 * @throws AipgError `model-invalid`
 */
export function tokenWork(name: string, headers: readonly [GgufHeader, ...GgufHeader[]]): TokenWork {
  const facts = factsOf(name, headers);
  const { shared, expert, embedding, output } = sumWeights(headers.map(({ weights }) => weights));
  const experts = expertsUsed(facts, headers[0]);
  const layers = sum(shared, { values: experts * expert.values, bytes: experts * expert.bytes });
  const all = sum(layers, output.values > 0 ? output : embedding);
  const context = Math.ceil(defaultContextSize(facts) / 2);
  const looking = attentionFlop(facts, context);
  const flop = (weights: WeightCount) => (FLOP_PER_WEIGHT * weights.values + looking) / FLOP_PER_BYTE;
  return {
    input: work(flop(layers)),
    output: work(all.bytes + kvBytes(facts, context) + flop(all)),
  };
}

/** Of each layer's experts, those that a token goes through; all there are where the header does not say. */
function expertsUsed({ architecture }: HeaderFacts, { metadata }: GgufHeader): number {
  const all = Number(metadata.get(`${architecture}.expert_count`) ?? 0);
  const used = Number(metadata.get(`${architecture}.expert_used_count`) ?? all);
  return Math.min(all, used) || 0;
}

/** Each head compares its query with the key of every token before, and adds up their values. */
function attentionFlop(facts: HeaderFacts, context: number): number {
  const numbers = kvBytes({ ...facts, kvHeads: facts.heads }, context) / BYTES_PER_NUMBER;
  return FLOP_PER_WEIGHT * numbers;
}

/** {@link kvBytes} counts in half precision. */
const BYTES_PER_NUMBER = 2;

function sum(a: WeightCount, b: WeightCount): WeightCount {
  return { values: a.values + b.values, bytes: a.bytes + b.bytes };
}

function work(bytes: number): number {
  return Math.min(MOST_WORK, Math.max(1, Math.ceil(bytes)));
}
