import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { ModelFile } from '../../src/runtime/protocol/model.ts';

/** A llama of 27.8 million random weights: what it says is noise, how long it takes is real. */
const SHAPE = {
  width: 512,
  layers: 6,
  heads: 8,
  feedForward: 1_408,
  vocabulary: 8_192,
  context: 2_048,
} as const;
const ALIGNMENT = 32;

/** GGUF's numbers for value types and tensor types. */
const TYPE = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 } as const;
const TENSOR = { f32: 0, f16: 1 } as const;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Writes the model as an f16 GGUF of 56 MB, the same bytes each time. */
export async function writeRandomModel(path: string): Promise<ModelFile> {
  const tensors = tensorList();
  const table: Buffer[] = [];
  let offset = 0;
  for (const { name, shape } of tensors) {
    table.push(
      string(name),
      u32(shape.length),
      ...shape.map(u64),
      u32(isNorm(shape) ? TENSOR.f32 : TENSOR.f16),
    );
    table.push(u64(offset));
    offset = align(offset + bytesOf(shape));
  }
  const keys = metadata();
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(keys.length),
    ...keys,
    ...table,
  ]);
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
  return { name: 'random-27m', path, sha256: createHash('sha256').update(file).digest('hex') } as ModelFile;
}

function tensorList(): Tensor[] {
  const { width, layers, feedForward, vocabulary } = SHAPE;
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

function metadata(): Buffer[] {
  const { width, layers, heads, feedForward, vocabulary, context } = SHAPE;
  // <unk>, <s>, </s>, the 256 bytes, then words nobody reads.
  const words = Array.from({ length: vocabulary }, (_, id) => {
    if (id < 3) return ['<unk>', '<s>', '</s>'][id] as string;
    return id < 259 ? `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>` : `▁w${id}`;
  });
  const tokenTypes = words.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1));
  return [
    key('general.architecture', TYPE.string, string('llama')),
    key('general.name', TYPE.string, string('random')),
    key('llama.context_length', TYPE.uint32, u32(context)),
    key('llama.embedding_length', TYPE.uint32, u32(width)),
    key('llama.block_count', TYPE.uint32, u32(layers)),
    key('llama.feed_forward_length', TYPE.uint32, u32(feedForward)),
    key('llama.attention.head_count', TYPE.uint32, u32(heads)),
    key('llama.attention.layer_norm_rms_epsilon', TYPE.float32, f32(1e-5)),
    key('llama.vocab_size', TYPE.uint32, u32(vocabulary)),
    key('tokenizer.ggml.model', TYPE.string, string('llama')),
    list('tokenizer.ggml.tokens', TYPE.string, words.map(string)),
    list(
      'tokenizer.ggml.scores',
      TYPE.float32,
      words.map((_, id) => f32(-id)),
    ),
    list('tokenizer.ggml.token_type', TYPE.int32, tokenTypes.map(u32)),
    key('tokenizer.ggml.bos_token_id', TYPE.uint32, u32(1)),
    key('tokenizer.ggml.eos_token_id', TYPE.uint32, u32(2)),
  ];
}

function key(name: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([string(name), u32(type), value]);
}

function list(name: string, type: number, values: readonly Buffer[]): Buffer {
  return key(name, TYPE.array, Buffer.concat([u32(type), u64(values.length), ...values]));
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
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

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
