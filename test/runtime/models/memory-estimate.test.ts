import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeRandomModel } from '../../../bench/support/random-model.ts';
import { type GpuFacts, writeGpuFacts } from '../../../src/runtime/cache/gpu-facts.ts';
import { machineFingerprint } from '../../../src/runtime/cache/machine.ts';
import { fileSource } from '../../../src/runtime/models/byte-source.ts';
import { readGgufHeader } from '../../../src/runtime/models/gguf-header.ts';
import { factsOf, type HeaderFacts } from '../../../src/runtime/models/header-facts.ts';
import { fitOf, freeDiskBytes, machineMemory } from '../../../src/runtime/models/machine-room.ts';
import { estimateMemory } from '../../../src/runtime/models/memory-estimate.ts';

const LLAMA: HeaderFacts = {
  architecture: 'llama',
  title: null,
  license: null,
  parameters: 1_235_814_432,
  quant: 'Q4_K_M',
  contextSize: 131_072,
  layers: 16,
  embeddingLength: 2_048,
  feedForwardLength: 8_192,
  heads: 32,
  kvHeads: 8,
  keyLength: 64,
  valueLength: 64,
  vocabulary: 128_256,
  slidingWindow: null,
};

describe('the memory that a model takes', () => {
  it('is near to what the engine itself reckons with', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aipg-memory-'));
    try {
      const { path } = await writeRandomModel(join(folder, 'random.gguf'));
      await using source = await fileSource(path);
      const facts = factsOf(path, [await readGgufHeader(source)]);
      const { getLlama, GgufInsights, LlamaLogLevel, readGgufFileInfo } = await import('node-llama-cpp');
      await using llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error });
      const insights = await GgufInsights.from(await readGgufFileInfo(path, { logWarnings: false }), llama);
      for (const contextSize of [512, 2_048, 8_192]) {
        const context = await insights.estimateContextResourceRequirementsV2({
          contextSize,
          modelGpuLayers: 0,
          sequences: 1,
        });
        const ours = estimateMemory(facts, { fileBytes: source.bytes, contextSize });
        const theirs = insights.estimateModelResourceRequirements({ gpuLayers: 0 }).cpuRam + context.cpuRam;
        expect(ours.totalBytes / theirs).toBeGreaterThan(0.9);
        expect(ours.totalBytes / theirs).toBeLessThan(1.15);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is for a context of 8192 tokens, or of as many as the model knows', () => {
    expect(estimateMemory(LLAMA, { fileBytes: 1 }).contextSize).toBe(8_192);
    expect(estimateMemory({ ...LLAMA, contextSize: 2_048 }, { fileBytes: 1 }).contextSize).toBe(2_048);
    expect(estimateMemory({ ...LLAMA, contextSize: null }, { fileBytes: 1 }).contextSize).toBe(8_192);
  });

  it('counts keys and values by layer, head and token, in half precision', () => {
    const { contextBytes } = estimateMemory(LLAMA, { fileBytes: 0, contextSize: 8_192 });
    expect(contextBytes).toBe(16 * 8 * (64 + 64) * 2 * 8_192);
    const some = { ...LLAMA, layers: 2, kvHeads: [8, 0] };
    expect(estimateMemory(some, { fileBytes: 0, contextSize: 8_192 }).contextBytes).toBe(contextBytes / 16);
  });

  it('grows with context and slots, and the weights do not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 1, max: 64 }),
        (contextSize, slots) => {
          const one = estimateMemory(LLAMA, { fileBytes: 1e9, contextSize });
          const more = estimateMemory(LLAMA, { fileBytes: 1e9, contextSize: contextSize + 1, slots });
          expect(more.totalBytes).toBeGreaterThan(one.totalBytes);
          expect(more.weightsBytes).toBe(1e9);
          expect(one.totalBytes).toBe(one.weightsBytes + one.contextBytes + one.computeBytes);
        },
      ),
    );
  });

  it('is less where most layers look at a window only', () => {
    const gemma = { ...LLAMA, architecture: 'gemma3', layers: 12, slidingWindow: 1_024 };
    const full = estimateMemory({ ...gemma, slidingWindow: null }, { fileBytes: 0, contextSize: 32_768 });
    const windowed = estimateMemory(gemma, { fileBytes: 0, contextSize: 32_768 });
    expect(windowed.contextBytes / full.contextBytes).toBeCloseTo((2 + (10 * 1_536) / 32_768) / 12);
  });
});

describe('this machine', () => {
  it('has memory, some of it free', async () => {
    const { totalBytes, availableBytes } = await machineMemory('/nowhere', {});
    expect(availableBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(availableBytes);
  });

  it('has a GPU, none, or nobody knows, as the engine has found it', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'aipg-memory-'));
    try {
      expect((await machineMemory(cache, {})).gpu).toBeUndefined();
      expect((await machineMemory(cache, { AIPG_GPU: 'off' })).gpu).toBeNull();
      const found: GpuFacts = {
        ...{ machine: machineFingerprint('3'), gpu: 'cuda', names: ['H200'] },
        ...{ totalBytes: 150, usableBytes: 140, unifiedBytes: 0, probedAt: 0 },
      };
      await writeGpuFacts(cache, found);
      const { names, totalBytes, usableBytes, unifiedBytes } = found;
      expect((await machineMemory(cache, {})).gpu).toEqual({ names, totalBytes, usableBytes, unifiedBytes });
      expect((await machineMemory(cache, { AIPG_GPU: 'off' })).gpu).toBeNull();
      await writeGpuFacts(cache, { ...found, gpu: false });
      expect((await machineMemory(cache, {})).gpu).toBeNull();
      await writeGpuFacts(cache, { ...found, machine: 'another|64|3' });
      expect((await machineMemory(cache, {})).gpu).toBeUndefined();
    } finally {
      await rm(cache, { recursive: true });
    }
  });

  it('fits what is free, barely fits what is there, and does not fit more', () => {
    const memory = { totalBytes: 100, availableBytes: 60 };
    expect([60, 61, 100, 101].map((needed) => fitOf(needed, memory))).toEqual([
      { fit: 'fits', place: 'memory' },
      { fit: 'tight', place: 'memory' },
      { fit: 'tight', place: 'memory' },
      { fit: 'too-large', place: 'memory' },
    ]);
    expect(fitOf(60, { ...memory, gpu: null })).toEqual(fitOf(60, memory));
  });

  it('puts on a GPU what finds room there, and the rest in memory', () => {
    const gpu = { names: ['A'], totalBytes: 50, usableBytes: 40, unifiedBytes: 0 };
    const memory = { totalBytes: 100, availableBytes: 60, gpu };
    expect([40, 41, 100, 101, 140, 141].map((needed) => fitOf(needed, memory))).toEqual([
      { fit: 'fits', place: 'gpu' },
      { fit: 'fits', place: 'gpu-and-memory' },
      { fit: 'fits', place: 'gpu-and-memory' },
      { fit: 'tight', place: 'gpu-and-memory' },
      { fit: 'tight', place: 'gpu-and-memory' },
      { fit: 'too-large', place: 'gpu-and-memory' },
    ]);
  });

  it('counts memory once that processor and GPU share', () => {
    const gpu = { names: ['A'], totalBytes: 75, usableBytes: 70, unifiedBytes: 75 };
    const memory = { totalBytes: 100, availableBytes: 60, gpu };
    expect([60, 61, 71, 100, 101].map((needed) => fitOf(needed, memory))).toEqual([
      { fit: 'fits', place: 'gpu' },
      { fit: 'tight', place: 'gpu' },
      { fit: 'tight', place: 'gpu-and-memory' },
      { fit: 'tight', place: 'gpu-and-memory' },
      { fit: 'too-large', place: 'gpu-and-memory' },
    ]);
  });

  it('never has less room with a GPU than without one, and never more than both have', () => {
    const order = ['fits', 'tight', 'too-large'];
    const bytes = fc.nat(1_000);
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, fc.boolean(), (needed, total, free, usable, shared) => {
        const memory = { totalBytes: total, availableBytes: Math.min(free, total) };
        const unifiedBytes = shared ? usable : 0;
        const gpu = { names: [], totalBytes: usable, usableBytes: usable, unifiedBytes };
        const [without, with_] = [fitOf(needed, memory), fitOf(needed, { ...memory, gpu })];
        expect(order.indexOf(with_.fit)).toBeLessThanOrEqual(order.indexOf(without.fit));
        if (with_.fit !== 'too-large') expect(needed).toBeLessThanOrEqual(total + (shared ? 0 : usable));
      }),
    );
  });

  it('tells the room on the disk of a folder that is not there yet', async () => {
    const here = await freeDiskBytes(tmpdir());
    const there = await freeDiskBytes(join(tmpdir(), 'not', 'there', 'yet'));
    expect(there).toBeGreaterThan(0);
    expect(Math.abs((there ?? 0) - (here ?? 0))).toBeLessThan(10e9);
  });
});
