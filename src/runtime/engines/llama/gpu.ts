import { join } from 'node:path';
import type { Llama } from 'node-llama-cpp';
import { z } from 'zod';
import { readCache, writeCache } from '../../cache/json-cache.ts';
import type { Library } from './backend.ts';
import { machineFingerprint } from './machine.ts';

type Gpu = Llama['gpu'];

const probeSchema = z.object({
  machine: z.string(),
  gpu: z.union([z.literal(['metal', 'cuda', 'vulkan']), z.literal(false)]),
  /** Milliseconds since the epoch. */
  probedAt: z.number(),
});

/** A driver that did not work may be repaired, so the outcome is only kept for a day. */
const PROBE_LIFETIME_MS = 24 * 60 * 60 * 1_000;

/**
 * Opens llama.cpp on the best GPU that works, else on the CPU. Each kind of GPU whose driver is installed costs a
 * third of a second to try, so the outcome is remembered; a machine without drivers has nothing to try or remember.
 */
export async function chooseGpu(
  library: Library,
  open: (gpu: 'auto' | Gpu) => Promise<Llama>,
  cacheDir: string,
  now: () => number = Date.now,
): Promise<Llama> {
  const installed = await library.getLlamaGpuTypes('supported');
  if (installed.every((gpu) => gpu === false)) return open(false);
  const path = join(cacheDir, 'gpu.json');
  const machine = [machineFingerprint(await library.getModuleVersion()), ...installed].join('|');
  const probe = await readCache(path, probeSchema);
  if (probe?.machine === machine && now() - probe.probedAt < PROBE_LIFETIME_MS) {
    const llama = await open(probe.gpu).catch(() => undefined);
    if (llama !== undefined) return llama;
  }
  const llama = await open('auto');
  await writeCache(path, { machine, gpu: llama.gpu, probedAt: now() } satisfies z.infer<typeof probeSchema>);
  return llama;
}
