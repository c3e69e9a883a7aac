import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gguf } from '@huggingface/gguf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteSource, fileSource } from '../../../src/runtime/models/byte-source.ts';
import { readGgufHeader } from '../../../src/runtime/models/gguf-header.ts';
import { chatTemplateOf, factsOf } from '../../../src/runtime/models/header-facts.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { ggufFile, ggufKey, ggufList, ggufStart } from '../../support/gguf.ts';
import { failureOf } from './sandbox.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const FILES = ['models/aipg-tiny-f16.gguf', 'test/fixtures/aipg-tiny-q8.gguf'].map((file) =>
  join(ROOT, file),
);
const HUGE = 2n ** 63n;

describe('the header of a real model', () => {
  it.each(FILES)('%s says what another reader says', async (path) => {
    await using source = await fileSource(path);
    const header = await readGgufHeader(source);
    const other = await gguf(path, { allowLocalFile: true, computeParametersCount: true });
    expect(header.parameters).toBe(other.parameterCount);
    expect(header.tensors).toBe(other.tensorInfos.length);
    const { version: _, tensor_count: __, kv_count: ___, ...metadata } = other.metadata;
    const expected = Object.entries(metadata).map(([key, value]) => [key, reduced(value)]);
    expect([...header.metadata]).toEqual(expected);
    expect(chatTemplateOf(header)).toContain('messages');
  });

  it('is read without the weights', async () => {
    const { source, reads } = memorySource(await readFile(FILES[0] as string));
    await readGgufHeader(source);
    expect(reads.reduce((sum, [start, end]) => sum + end - start, 0)).toBeLessThan(1_000_000);
  });

  it('gives the facts that people ask for', async () => {
    await using source = await fileSource(FILES[0] as string);
    expect(factsOf('tiny', [await readGgufHeader(source)])).toEqual({
      architecture: 'llama',
      title: 'aipg-tiny',
      license: 'mit',
      parameters: 1_906_400,
      quant: 'F16',
      contextSize: 2_048,
      layers: 5,
      embeddingLength: 160,
      feedForwardLength: 448,
      heads: 5,
      kvHeads: 5,
      keyLength: 32,
      valueLength: 32,
      vocabulary: 992,
      slidingWindow: null,
    });
  });
});

describe('a large header', () => {
  const words = Array.from({ length: 200_000 }, (_, index) => `word-${index}`);
  const file = ggufFile({
    metadata: {
      'general.architecture': 'llama',
      'tokenizer.ggml.tokens': words,
      'tokenizer.ggml.scores': words.map((_, index) => index + 0.5),
      'llama.context_length': 131_072,
    },
    tensors: [{ name: 'a', shape: [16, 8] }],
    dataBytes: 512,
  });

  it('keeps of a vocabulary only its size, and reads what follows it', async () => {
    const { metadata, parameters } = await readGgufHeader(memorySource(file).source);
    expect(metadata.get('tokenizer.ggml.tokens')).toEqual({ length: words.length });
    expect(metadata.get('llama.context_length')).toBe(131_072);
    expect(parameters).toBe(128);
  });

  it('is fetched in a few large pieces, without its long lists of numbers', async () => {
    const BYTES = 60_000_000;
    const head = Buffer.concat([ggufStart(0, 2), ggufList('tokenizer.ggml.scores', 0, BYTES)]);
    const tail = ggufKey('general.architecture', 'llama');
    const reads: number[] = [];
    const source: ByteSource = {
      name: 'm.gguf',
      bytes: head.length + BYTES + tail.length,
      read: async (start, end) => {
        reads.push(end - start);
        if (start === 0) return Buffer.concat([head, Buffer.alloc(end - head.length)]);
        expect(start).toBe(head.length + BYTES);
        return tail.subarray(0, end - start);
      },
    };
    const { metadata } = await readGgufHeader(source);
    expect([...metadata]).toEqual([
      ['tokenizer.ggml.scores', { length: BYTES }],
      ['general.architecture', 'llama'],
    ]);
    expect(reads).toHaveLength(2);
    expect(Math.max(...reads)).toBeLessThan(1_000_000);
  });
});

describe('a hostile header', () => {
  const key = 'general.architecture';
  it.each([
    ['no GGUF', Buffer.from('<!doctype html>'.repeat(10)), /no GGUF/],
    ['an empty file', Buffer.alloc(0), /no GGUF/],
    ['another version', ggufStart(0, 0, 1), /version 1/],
    [
      'another byte order',
      Buffer.from([...ggufStart(0, 0)].map((b, i) => (i === 7 ? 3 : i === 4 ? 0 : b))),
      /version/,
    ],
    ['a billion keys', ggufStart(0, 1_000_000_000), /1000000000 keys/],
    ['more tensors than numbers go', ggufStart(HUGE, 0), /tensors/],
    ['a name as long as the world', Buffer.concat([ggufStart(0, 1), u64(HUGE)]), /name of/],
    [
      'a text that never ends',
      Buffer.concat([ggufStart(0, 1), ggufList(key, 8, 1), u64(HUGE)]),
      /ends in the middle/,
    ],
    [
      'a list of texts that never ends',
      Buffer.concat([ggufStart(0, 1), ggufList(key, 8, HUGE)]),
      /ends in the middle/,
    ],
    [
      'a list of numbers that never ends',
      Buffer.concat([ggufStart(0, 1), ggufList(key, 4, HUGE)]),
      /ends in the middle/,
    ],
    ['lists in lists without end', Buffer.concat([ggufStart(0, 1), nested(key, 50)]), /lists of lists/],
    [
      'an unknown type',
      Buffer.concat([ggufStart(0, 1), ggufList(key, 99, 1), Buffer.alloc(64)]),
      /unknown type 99/,
    ],
    [
      'weights that are not there',
      ggufFile({ tensors: [{ name: 'w', shape: [2 ** 40, 2 ** 40] }] }),
      /more weights/,
    ],
    [
      'a tensor of many dimensions',
      ggufFile({ tensors: [{ name: 'w', shape: Array(9).fill(1) }] }),
      /9 dimensions/,
    ],
  ] as const)('%s is refused', async (_, content, message) => {
    const error = await failureOf(readGgufHeader(memorySource(content).source));
    expect(error.code).toBe('model-invalid');
    expect(error.message).toMatch(message);
  });

  it('of more metadata than any model has is refused before it is kept', async () => {
    const text = 'x'.repeat(1_000_000);
    const keys = Array.from({ length: 20 }, (_, index) => ggufKey(`general.${index}`, text));
    const content = Buffer.concat([ggufStart(0, keys.length), ...keys]);
    expect((await failureOf(readGgufHeader(memorySource(content).source))).message).toMatch(/of metadata/);
  });

  it('without the name of an architecture, or with nonsense for a size, is refused as a model', async () => {
    const facts = async (metadata: Record<string, string | number>) =>
      factsOf('m.gguf', [await readGgufHeader(memorySource(ggufFile({ metadata })).source)]);
    await expect(facts({ 'general.name': 'x' })).rejects.toThrow(/does not name its architecture/);
    await expect(facts({ [key]: 'llama', 'llama.block_count': 'many' })).rejects.toThrow(/layers/);
  });

  it('fails as a broken model wherever it ends', async () => {
    const whole = (await readFile(FILES[0] as string)).subarray(0, 30_000);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        const error = await failureOf(readGgufHeader(memorySource(whole.subarray(0, length)).source));
        expect(error.code).toBe('model-invalid');
      }),
      { numRuns: 200 },
    );
  });

  it('never does worse than fail, whatever its bytes', async () => {
    const whole = ggufFile({
      metadata: { 'general.architecture': 'llama', 'llama.block_count': 2, list: [1, 2], texts: ['a', 'b'] },
      tensors: [{ name: 'w', shape: [4, 4] }],
      dataBytes: 64,
    });
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
        const broken = Buffer.from(whole);
        for (const [at, value] of changes) broken[at] = value;
        try {
          factsOf('m', [await readGgufHeader(memorySource(broken).source)]);
        } catch (error) {
          expect(error).toBeInstanceOf(AipgError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function memorySource(content: Buffer) {
  const reads: (readonly [start: number, end: number])[] = [];
  const source: ByteSource = {
    name: 'm.gguf',
    bytes: content.length,
    read: async (start, end) => {
      reads.push([start, end]);
      return content.subarray(start, end);
    },
  };
  return { source, reads };
}

function nested(key: string, depth: number): Buffer {
  const inner = Buffer.concat([Buffer.from([9, 0, 0, 0]), u64(1n)]);
  return Buffer.concat([ggufList(key, 9, 1), ...Array(depth).fill(inner)]);
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** As our reader keeps it: of texts, and of what is long, only the length. */
function reduced(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (!Array.isArray(value)) return value;
  return typeof value[0] === 'string' || value.length > 1_024 ? { length: value.length } : value.map(Number);
}
