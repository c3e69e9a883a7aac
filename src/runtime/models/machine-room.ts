import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { readGpuFacts } from '../cache/gpu-facts.ts';

/** Memory of this machine, in bytes; in a container, as far as it may use it. */
export interface MachineMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** As the engine last found it: `null` where it found none or is not to use it, `undefined` where it has not looked. */
  readonly gpu?: GpuMemory | null | undefined;
}

/** Memory of the GPUs of this machine, in bytes, whatever else is on them now. */
export interface GpuMemory {
  readonly names: readonly string[];
  readonly totalBytes: number;
  /** What the engine gives to models. */
  readonly usableBytes: number;
  /** Of the total, what is memory of the machine as well. */
  readonly unifiedBytes: number;
}

/** Whether a model runs here: `tight` where other programs must give memory back first. */
export type Fit = 'fits' | 'tight' | 'too-large';
/** What holds it then; the engine gives the GPU as many layers as find room there. */
export type Place = 'gpu' | 'gpu-and-memory' | 'memory';

export interface Fitting {
  readonly fit: Fit;
  readonly place: Place;
}

/** @param cacheDir where the engine keeps what it has found */
export async function machineMemory(cacheDir: string, env: NodeJS.ProcessEnv): Promise<MachineMemory> {
  const limit = process.constrainedMemory();
  const total = totalmem();
  return {
    totalBytes: limit > 0 ? Math.min(limit, total) : total,
    availableBytes: Math.min(process.availableMemory(), total),
    gpu: await gpuMemory(cacheDir, env),
  };
}

async function gpuMemory(cacheDir: string, env: NodeJS.ProcessEnv): Promise<MachineMemory['gpu']> {
  if (env['AIPG_GPU'] === 'off') return null;
  const facts = await readGpuFacts(cacheDir);
  if (facts === undefined) return undefined;
  if (facts.gpu === false) return null;
  const { names, totalBytes, usableBytes, unifiedBytes } = facts;
  return { names, totalBytes, usableBytes, unifiedBytes };
}

/** Counts the GPU where the engine has found one; memory that both share is counted once. */
export function fitOf(neededBytes: number, memory: MachineMemory): Fitting {
  const { gpu } = memory;
  const onGpu = Math.min(neededBytes, gpu?.usableBytes ?? 0);
  const place = onGpu === 0 ? 'memory' : onGpu === neededBytes ? 'gpu' : 'gpu-and-memory';
  const inMemory = gpu && gpu.unifiedBytes > 0 ? neededBytes : neededBytes - onGpu;
  return { fit: fitInMemory(inMemory, memory), place };
}

function fitInMemory(neededBytes: number, { availableBytes, totalBytes }: MachineMemory): Fit {
  if (neededBytes <= availableBytes) return 'fits';
  return neededBytes <= totalBytes ? 'tight' : 'too-large';
}

/** Room on the disk that a folder is on, or will be, in bytes; undefined where the file system does not tell. */
export async function freeDiskBytes(folder: string): Promise<number | undefined> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (path === dirname(path)) return undefined;
    }
  }
}
