import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { ModelFile } from '../../src/runtime/protocol/model.ts';
import {
  align,
  entry,
  f32,
  ggufStart,
  list,
  TENSOR_TYPE,
  tensorRow,
  text,
  u32,
  VALUE_TYPE,
} from '../../test/support/gguf-bytes.ts';

interface Shape {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly context: number;
}

/** A llama of 27.8 million random weights: what it says is noise, how long it takes is real. */
const SHAPE: Shape = {
  width: 512,
  layers: 6,
  heads: 8,
  feedForward: 1_408,
  vocabulary: 8_192,
  context: 2_048,
};
/** Little to compute for as many tokens as models of today know. */
export const WIDE: Shape = {
  ...{ width: 64, layers: 2, heads: 4, feedForward: 128 },
  ...{ vocabulary: 131_072, context: 1_024 },
};

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Writes a model as an f16 GGUF, of 56 MB unless another shape is asked for; the same bytes each time. */
export async function writeRandomModel(path: string, shape: Shape = SHAPE): Promise<ModelFile> {
  const tensors = tensorList(shape);
  const table: Buffer[] = [];
  let offset = 0;
  for (const { name, shape } of tensors) {
    table.push(tensorRow(name, shape, isNorm(shape) ? TENSOR_TYPE.f32 : TENSOR_TYPE.f16, offset));
    offset = align(offset + bytesOf(shape));
  }
  const keys = metadata(shape);
  const header = Buffer.concat([ggufStart(tensors.length, keys.length), ...keys, ...table]);
  const file = Buffer.alloc(align(header.length) + offset);
  header.copy(file);
  let position = align(header.length);
  let state = 1;
  for (const { shape } of tensors) {
    for (let index = 0; index < count(shape); index++) {
      if (isNorm(shape)) file.writeFloatLE(1, position + 4 * index);
      else {
        // A sign and a mantissa at random under one exponent: ±(1/64 … 1/32) in half precision.
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        file.writeUInt16LE(((state >>> 16) & 0x83ff) | (9 << 10), position + 2 * index);
      }
    }
    position = align(position + bytesOf(shape));
  }
  await writeFile(path, file);
  return { name: 'random', path, sha256: createHash('sha256').update(file).digest('hex') } as ModelFile;
}

function tensorList({ width, layers, feedForward, vocabulary }: Shape): Tensor[] {
  const block = (layer: number): Tensor[] =>
    (
      [
        ['attn_norm', [width]],
        ['attn_q', [width, width]],
        ['attn_k', [width, width]],
        ['attn_v', [width, width]],
        ['attn_output', [width, width]],
        ['ffn_norm', [width]],
        ['ffn_gate', [width, feedForward]],
        ['ffn_up', [width, feedForward]],
        ['ffn_down', [feedForward, width]],
      ] as const
    ).map(([name, shape]) => ({ name: `blk.${layer}.${name}.weight`, shape }));
  return [
    { name: 'token_embd.weight', shape: [width, vocabulary] },
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    { name: 'output_norm.weight', shape: [width] },
    { name: 'output.weight', shape: [width, vocabulary] },
  ];
}

function metadata({ width, layers, heads, feedForward, vocabulary, context }: Shape): Buffer[] {
  // <unk>, <s>, </s>, the 256 bytes, then words nobody reads.
  const words = Array.from({ length: vocabulary }, (_, id) => {
    if (id < 3) return ['<unk>', '<s>', '</s>'][id] as string;
    return id < 259 ? `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>` : `▁w${id}`;
  });
  const tokenTypes = words.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1));
  return [
    entry('general.architecture', VALUE_TYPE.string, text('llama')),
    entry('general.name', VALUE_TYPE.string, text('random')),
    entry('llama.context_length', VALUE_TYPE.uint32, u32(context)),
    entry('llama.embedding_length', VALUE_TYPE.uint32, u32(width)),
    entry('llama.block_count', VALUE_TYPE.uint32, u32(layers)),
    entry('llama.feed_forward_length', VALUE_TYPE.uint32, u32(feedForward)),
    entry('llama.attention.head_count', VALUE_TYPE.uint32, u32(heads)),
    entry('llama.attention.layer_norm_rms_epsilon', VALUE_TYPE.float32, f32(1e-5)),
    entry('llama.vocab_size', VALUE_TYPE.uint32, u32(vocabulary)),
    entry('tokenizer.ggml.model', VALUE_TYPE.string, text('llama')),
    list('tokenizer.ggml.tokens', VALUE_TYPE.string, words.map(text)),
    list(
      'tokenizer.ggml.scores',
      VALUE_TYPE.float32,
      words.map((_, id) => f32(-id)),
    ),
    list('tokenizer.ggml.token_type', VALUE_TYPE.int32, tokenTypes.map(u32)),
    entry('tokenizer.ggml.bos_token_id', VALUE_TYPE.uint32, u32(1)),
    entry('tokenizer.ggml.eos_token_id', VALUE_TYPE.uint32, u32(2)),
  ];
}

function isNorm(shape: readonly number[]): boolean {
  return shape.length === 1;
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function bytesOf(shape: readonly number[]): number {
  return count(shape) * (isNorm(shape) ? 4 : 2);
}
