import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import process from 'node:process';

/** Memory of this machine, in bytes; in a container, as far as it may use it. */
export interface MachineMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** Whether a model runs here: `tight` where other programs must give memory back first. */
export type Fit = 'fits' | 'tight' | 'too-large';

export function machineMemory(): MachineMemory {
  const limit = process.constrainedMemory();
  const total = totalmem();
  return {
    totalBytes: limit > 0 ? Math.min(limit, total) : total,
    availableBytes: Math.min(process.availableMemory(), total),
  };
}

export function fitOf(neededBytes: number, memory: MachineMemory): Fit {
  if (neededBytes <= memory.availableBytes) return 'fits';
  return neededBytes <= memory.totalBytes ? 'tight' : 'too-large';
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
