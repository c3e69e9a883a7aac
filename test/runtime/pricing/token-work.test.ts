import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileSource } from '../../../src/runtime/models/byte-source.ts';
import { type GgufHeader, readGgufHeader } from '../../../src/runtime/models/gguf-header.ts';
import { MOST_WORK, type TokenWork, tokenWork } from '../../../src/runtime/pricing/token-work.ts';
import { ggufFile } from '../../support/gguf.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const F16 = 1;
const Q8_0 = 8;
const Q4_0 = 2;

interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly type: number;
  /** 0 for a model without a mixture. */
  readonly experts: number;
  readonly expertsUsed: number;
  readonly context: number;
  readonly tied: boolean;
  readonly name: string;
}

const SMALL: Shape = {
  layers: 4,
  width: 256,
  vocabulary: 1_024,
  type: Q8_0,
  experts: 0,
  expertsUsed: 0,
  context: 4_096,
  tied: false,
  name: 'small',
};

const shapes: fc.Arbitrary<Shape> = fc
  .record({
    layers: fc.integer({ min: 1, max: 12 }),
    width: fc.integer({ min: 1, max: 16 }).map((blocks) => 256 * blocks),
    vocabulary: fc.integer({ min: 32, max: 100_000 }),
    type: fc.constantFrom(0, F16, Q8_0, Q4_0, 12, 14),
    experts: fc.constantFrom(0, 2, 8, 64),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    context: fc.integer({ min: 1, max: 200_000 }),
    tied: fc.boolean(),
    name: fc.string({ maxLength: 20 }),
  })
  .map(({ share, ...shape }) => ({ ...shape, expertsUsed: Math.ceil(share * shape.experts) }));

function tensorsOf({ layers, width, vocabulary, type, experts, tied }: Shape) {
  const block = (layer: number) => {
    const own = [
      { name: `blk.${layer}.attn_norm.weight`, shape: [width], type: 0 },
      ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) => ({
        name: `blk.${layer}.${name}.weight`,
        shape: [width, width],
        type,
      })),
    ];
    const feedForward = ['ffn_gate', 'ffn_up', 'ffn_down'].map((name) =>
      experts > 0
        ? { name: `blk.${layer}.${name}_exps.weight`, shape: [width, 2 * width, experts], type }
        : { name: `blk.${layer}.${name}.weight`, shape: [width, 2 * width], type },
    );
    return [...own, ...feedForward];
  };
  return [
    { name: 'token_embd.weight', shape: [width, vocabulary], type },
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ...(tied ? [] : [{ name: 'output.weight', shape: [width, vocabulary], type }]),
  ];
}

function metadataOf({ layers, width, context, experts, expertsUsed, name }: Shape) {
  return {
    'general.architecture': 'llama',
    'general.name': name,
    'llama.context_length': context,
    'llama.embedding_length': width,
    'llama.block_count': layers,
    'llama.attention.head_count': width / 64,
    'llama.attention.head_count_kv': Math.ceil(width / 256),
    ...(experts > 0 && { 'llama.expert_count': experts, 'llama.expert_used_count': expertsUsed }),
  };
}

/** In as many files as there are places to cut at, and one more. */
async function headersOf(shape: Shape, cuts: readonly number[] = []): Promise<[GgufHeader, ...GgufHeader[]]> {
  const tensors = tensorsOf(shape);
  const ends = [...cuts.map((cut) => cut % tensors.length), tensors.length].sort((a, b) => a - b);
  const headers = await Promise.all(
    ends.map((end, index) => {
      const part = tensors.slice(index === 0 ? 0 : ends[index - 1], end);
      return headerOf(ggufFile({ metadata: index === 0 ? metadataOf(shape) : {}, tensors: part }));
    }),
  );
  return headers as [GgufHeader, ...GgufHeader[]];
}

/** As if the weights followed. */
function headerOf(bytes: Buffer): Promise<GgufHeader> {
  return readGgufHeader({
    name: 'test.gguf',
    bytes: 1e15,
    read: async (start, end) => bytes.subarray(start, Math.min(end, bytes.length)),
  });
}

async function workOf(shape: Shape, cuts: readonly number[] = []): Promise<TokenWork> {
  return tokenWork('test.gguf', await headersOf(shape, cuts));
}

describe('the work of a token', () => {
  it('is a whole number that can be reckoned with, and never nothing', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        for (const work of Object.values(await workOf(shape))) {
          expect(Number.isSafeInteger(work)).toBe(true);
          expect(work).toBeGreaterThanOrEqual(1);
          expect(work).toBeLessThanOrEqual(MOST_WORK);
        }
      }),
    );
  });

  it('is less for a token of the prompt than for one of the output', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const { input, output } = await workOf(shape);
        expect(input).toBeLessThan(output);
      }),
    );
  });

  it.each<[string, (shape: Shape) => Shape]>([
    ['layers', (shape) => ({ ...shape, layers: shape.layers + 1 })],
    ['width', (shape) => ({ ...shape, width: shape.width + 256 })],
    ['vocabulary', (shape) => ({ ...shape, vocabulary: shape.vocabulary + 1_000 })],
    ['context', (shape) => ({ ...shape, context: shape.context + 100 })],
    ['experts used', (shape) => ({ ...shape, expertsUsed: Math.min(shape.experts, shape.expertsUsed + 1) })],
  ])('does not shrink with more %s', async (_, larger) => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const [less, more] = await Promise.all([workOf(shape), workOf(larger(shape))]);
        expect(more.input).toBeGreaterThanOrEqual(less.input);
        expect(more.output).toBeGreaterThanOrEqual(less.output);
      }),
    );
  });

  it('is the same whatever the model is called, and in however many files it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.string(),
        fc.array(fc.nat(), { maxLength: 5 }),
        async (shape, name, cuts) => {
          expect(await workOf({ ...shape, name: `llama-405b ${name}` }, cuts)).toEqual(await workOf(shape));
        },
      ),
    );
  });

  it('is larger with more experts to choose from only for what chooses, not for what is not used', async () => {
    const one = await workOf({ ...SMALL, experts: 8, expertsUsed: 2 });
    expect(await workOf({ ...SMALL, experts: 64, expertsUsed: 2 })).toEqual(one);
    const all = await workOf({ ...SMALL, experts: 2, expertsUsed: 2 });
    expect(all).toEqual(one);
  });

  it('does not grow by a header that claims more experts used than there are', async () => {
    const all = await workOf({ ...SMALL, experts: 8, expertsUsed: 8 });
    expect(await workOf({ ...SMALL, experts: 8, expertsUsed: 4_000_000_000 })).toEqual(all);
  });

  it('falls with the quantisation for the output, whose weights are read, and not for the prompt', async () => {
    const [f16, q8, q4] = await Promise.all([F16, Q8_0, Q4_0].map((type) => workOf({ ...SMALL, type })));
    expect(q8?.output).toBeLessThan(f16?.output ?? 0);
    expect(q4?.output).toBeLessThan(q8?.output ?? 0);
    expect(new Set([f16?.input, q8?.input, q4?.input]).size).toBe(1);
  });

  it('reads the embedding where it serves as the output, too', async () => {
    expect(await workOf({ ...SMALL, tied: true })).toEqual(await workOf(SMALL));
  });

  it('does not grow beyond what can be reckoned with', async () => {
    const tensors = [{ name: 'blk.0.attn_q.weight', shape: [7e7, 1e8] }];
    const header = await headerOf(ggufFile({ metadata: metadataOf(SMALL), tensors }));
    expect(tokenWork('test.gguf', [header]).output).toBe(MOST_WORK);
  });

  it('is that of the formula, written out, for the bundled model', async () => {
    await using source = await fileSource(join(ROOT, 'models/aipg-tiny-f16.gguf'));
    const work = tokenWork('tiny', [await readGgufHeader(source)]);
    // 5 layers of 4 × 160² + 3 × 160 × 448 + 2 × 160 weights and a norm of 160; 992 × 160 to the vocabulary.
    const norms = 5 * 2 * 160 + 160;
    const layers = 5 * (4 * 160 ** 2 + 3 * 160 * 448) + norms;
    const output = 992 * 160;
    const context = 1_024;
    const looking = 2 * 5 * 5 * (32 + 32) * context;
    const bytes = 2 * (layers - norms + output) + 4 * norms;
    expect(work).toEqual({
      input: Math.ceil((2 * layers + looking) / 16),
      output: Math.ceil(bytes + 5 * 5 * (32 + 32) * 2 * context + (2 * (layers + output) + looking) / 16),
    });
  });
});
