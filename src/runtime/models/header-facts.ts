import { z } from 'zod';
import { AipgError } from '../protocol/errors.ts';
import type { GgufHeader } from './gguf-header.ts';

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const perLayer = z.union([count, z.array(count)]);
const text = z.string().max(10_000);

/** What a model's header says of it, as far as people and the memory estimate want to know it. */
export const headerFactsSchema = z.object({
  architecture: text,
  /** As its makers call it. */
  title: text.nullable(),
  license: text.nullable(),
  /** Number of weights, of all parts. */
  parameters: count,
  /** The quantisation that most weights have, such as `Q4_K_M`. */
  quant: text.nullable(),
  /** Longest context that the model was trained for, in tokens. */
  contextSize: count.nullable(),
  layers: count,
  embeddingLength: count,
  feedForwardLength: perLayer,
  heads: perLayer,
  /** Heads of keys and values, in all layers alike or in each. */
  kvHeads: perLayer,
  /** Of one head, in numbers. */
  keyLength: count,
  valueLength: count,
  vocabulary: count,
  /** How far back the layers without full attention look, in tokens. */
  slidingWindow: count.nullable(),
});
export type HeaderFacts = z.infer<typeof headerFactsSchema>;

/** GGUF's numbers for a file's quantisation (llama.cpp, `llama_ftype`). */
const FILE_TYPES: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  7: 'Q8_0',
  8: 'Q5_0',
  9: 'Q5_1',
  10: 'Q2_K',
  11: 'Q3_K_S',
  12: 'Q3_K_M',
  13: 'Q3_K_L',
  14: 'Q4_K_S',
  15: 'Q4_K_M',
  16: 'Q5_K_S',
  17: 'Q5_K_M',
  18: 'Q6_K',
  19: 'IQ2_XXS',
  20: 'IQ2_XS',
  21: 'Q2_K_S',
  22: 'IQ3_XS',
  23: 'IQ3_XXS',
  24: 'IQ1_S',
  25: 'IQ4_NL',
  26: 'IQ3_S',
  27: 'IQ3_M',
  28: 'IQ2_S',
  29: 'IQ2_M',
  30: 'IQ4_XS',
  31: 'IQ1_M',
  32: 'BF16',
  36: 'TQ1_0',
  37: 'TQ2_0',
  38: 'MXFP4_MOE',
};

/**
 * The facts of a model from the headers of its parts, the first of which tells all but the number of weights.
 * @param name for messages
 * @throws AipgError `model-invalid` when the header lacks what every model has, or has it in another form
 */
export function factsOf(name: string, [first, ...more]: readonly [GgufHeader, ...GgufHeader[]]): HeaderFacts {
  const { metadata } = first;
  const architecture = metadata.get('general.architecture');
  const own = (key: string) => metadata.get(`${String(architecture)}.${key}`);
  const heads = own('attention.head_count') ?? 0;
  const embeddingLength = own('embedding_length') ?? 0;
  const most = typeof heads === 'number' ? heads : Math.max(1, ...(Array.isArray(heads) ? heads : []));
  const headLength = most === 0 ? 0 : Math.floor(Number(embeddingLength) / most);
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const vocabulary = typeof tokens === 'object' && 'length' in tokens ? tokens.length : own('vocab_size');
  const facts = headerFactsSchema.safeParse({
    architecture,
    title: metadata.get('general.name') ?? null,
    license: metadata.get('general.license') ?? null,
    parameters: [first, ...more].reduce((sum, { parameters }) => sum + parameters, 0),
    quant: FILE_TYPES[Number(metadata.get('general.file_type'))] ?? null,
    contextSize: own('context_length') ?? null,
    layers: own('block_count') ?? 0,
    embeddingLength,
    feedForwardLength: own('feed_forward_length') ?? 0,
    heads,
    kvHeads: own('attention.head_count_kv') ?? heads,
    keyLength: own('attention.key_length') ?? headLength,
    valueLength: own('attention.value_length') ?? headLength,
    vocabulary: vocabulary ?? 0,
    slidingWindow: own('attention.sliding_window') ?? null,
  });
  if (facts.success) return facts.data;
  const [issue] = facts.error.issues;
  throw new AipgError(
    'model-invalid',
    architecture === undefined
      ? `${name} does not name its architecture.`
      : `${name} has a header whose ${issue?.path.join('.')} is no sensible value.`,
    { hint: 'It is broken, or a vocabulary or an adapter alone; give another model.' },
  );
}

/** The model's Jinja template for conversations. */
export function chatTemplateOf({ metadata }: GgufHeader): string | undefined {
  const template = metadata.get('tokenizer.chat_template');
  return typeof template === 'string' ? template : undefined;
}
