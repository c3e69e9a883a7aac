import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readGpuFacts } from '../../../../src/runtime/cache/gpu-facts.ts';
import { chooseGpu } from '../../../../src/runtime/engines/llama/gpu.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

type Kind = 'cuda' | 'vulkan' | false;

let cacheDir: string;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'aipg-gpu-'));
});
afterEach(() => rm(cacheDir, { recursive: true }));

/** A machine with drivers for some kinds of GPU, one of which works; `tried` has what was opened. */
function machineWith(drivers: readonly Kind[], works: Kind) {
  const tried: (Kind | 'auto' | 'metal')[] = [];
  const nodeLlamaCpp = {
    getLlamaGpuTypes: async () => [...drivers],
    getModuleVersion: async () => '3.22.1',
  };
  const open = async (gpu: Kind | 'auto' | 'metal') => {
    tried.push(gpu);
    if (gpu !== 'auto' && gpu !== false && gpu !== works) throw new Error('It does not work.');
    return {
      gpu: gpu === false ? false : works,
      vramPaddingSize: 8,
      getGpuDeviceNames: async () => ['H200'],
      getVramState: async () => ({ total: 100, used: 30, free: 70, unifiedSize: 0 }),
    };
  };
  return { tried, choose: (now: number) => chooseGpu(nodeLlamaCpp, open, cacheDir, () => now) };
}

test('the GPU that works, and its memory, are remembered for a day, without what other programs use', async () => {
  const { tried, choose } = machineWith(['cuda', 'vulkan', false], 'cuda');
  expect((await choose(0)).gpu).toBe('cuda');
  expect(await readGpuFacts(cacheDir)).toMatchObject({
    ...{ gpu: 'cuda', names: ['H200'], probedAt: 0 },
    ...{ totalBytes: 100, usableBytes: 92, unifiedBytes: 0 },
  });
  await choose(DAY_MS - 1);
  await choose(DAY_MS);
  expect(tried).toEqual(['auto', 'cuda', 'auto']);
});

test('a GPU that no longer works is looked for again', async () => {
  await machineWith(['cuda', false], 'cuda').choose(0);
  const { tried, choose } = machineWith(['cuda', false], false);
  expect((await choose(1)).gpu).toBe(false);
  expect(tried).toEqual(['cuda', 'auto']);
  expect(await readGpuFacts(cacheDir)).toMatchObject({ gpu: false, names: [], totalBytes: 0 });
});

test('a machine without drivers has none, which is written down once', async () => {
  const { tried, choose } = machineWith([false], false);
  expect((await choose(0)).gpu).toBe(false);
  const written = await readFile(join(cacheDir, 'gpu.json'), 'utf8');
  await choose(2 * DAY_MS);
  expect(tried).toEqual([false, false]);
  expect(await readFile(join(cacheDir, 'gpu.json'), 'utf8')).toBe(written);
  expect(await readGpuFacts(cacheDir)).toMatchObject({ gpu: false });
});
