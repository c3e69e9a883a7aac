import { join } from 'node:path';
import { z } from 'zod';
import { readCache, writeCache } from './json-cache.ts';
import { processorFingerprint } from './machine.ts';

const bytes = z.number().nonnegative();

/** What the engine found when it last looked for a GPU: known to commands that do not start it. */
export const gpuFactsSchema = z.object({
  /** What it holds for, see `machineFingerprint`. */
  machine: z.string(),
  gpu: z.union([z.literal(['metal', 'cuda', 'vulkan']), z.literal(false)]),
  names: z.array(z.string()),
  /** Of all devices together. */
  totalBytes: bytes,
  /** Of them, what the engine gives to models: it leaves some to the driver and the desktop. */
  usableBytes: bytes,
  /** Of them, what is the machine's own memory, as on a chip that has processor and GPU in one. */
  unifiedBytes: bytes,
  /** Milliseconds since the epoch. */
  probedAt: z.number(),
});
export type GpuFacts = z.infer<typeof gpuFactsSchema>;

/** `undefined` where no engine has looked yet, or on another machine. */
export async function readGpuFacts(cacheDir: string): Promise<GpuFacts | undefined> {
  const facts = await readCache(factsFile(cacheDir), gpuFactsSchema);
  return facts?.machine.startsWith(`${processorFingerprint()}|`) ? facts : undefined;
}

export async function writeGpuFacts(cacheDir: string, facts: GpuFacts): Promise<void> {
  await writeCache(factsFile(cacheDir), facts);
}

function factsFile(cacheDir: string): string {
  return join(cacheDir, 'gpu.json');
}
