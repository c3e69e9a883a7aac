import type { Llama } from 'node-llama-cpp';
import { type GpuFacts, readGpuFacts, writeGpuFacts } from '../../cache/gpu-facts.ts';
import { machineFingerprint } from '../../cache/machine.ts';
import type { NodeLlamaCpp } from './backend.ts';

type Gpu = Llama['gpu'];
type Probed = Pick<Llama, 'gpu' | 'getGpuDeviceNames' | 'getVramState' | 'vramPaddingSize'>;

/** A driver that did not work may be repaired, so the outcome is only kept for a day. */
const PROBE_LIFETIME_MS = 24 * 60 * 60 * 1_000;

/**
 * Opens llama.cpp on the best GPU that works, else on the CPU. Each kind of GPU whose driver is installed costs a
 * third of a second to try, so the outcome is remembered, for the next time and for commands that tell which models
 * fit; a machine without drivers has nothing to try.
 */
export async function chooseGpu<T extends Probed>(
  nodeLlamaCpp: Pick<NodeLlamaCpp, 'getLlamaGpuTypes' | 'getModuleVersion'>,
  open: (gpu: 'auto' | Gpu) => Promise<T>,
  cacheDir: string,
  now: () => number = Date.now,
): Promise<T> {
  const installed = await nodeLlamaCpp.getLlamaGpuTypes('supported');
  const machine = [machineFingerprint(await nodeLlamaCpp.getModuleVersion()), ...installed].join('|');
  const known = await readGpuFacts(cacheDir);
  if (installed.every((gpu) => gpu === false)) {
    if (known?.machine !== machine) await writeGpuFacts(cacheDir, { ...NO_GPU, machine, probedAt: now() });
    return open(false);
  }
  if (known?.machine === machine && now() - known.probedAt < PROBE_LIFETIME_MS) {
    const llama = await open(known.gpu).catch(() => undefined);
    if (llama !== undefined) return llama;
  }
  const llama = await open('auto');
  await writeGpuFacts(cacheDir, { ...(await memoryOf(llama)), machine, probedAt: now() });
  return llama;
}

type Memory = Omit<GpuFacts, 'machine' | 'probedAt'>;

const NO_GPU: Memory = { gpu: false, names: [], totalBytes: 0, usableBytes: 0, unifiedBytes: 0 };

async function memoryOf(llama: Probed): Promise<Memory> {
  if (llama.gpu === false) return NO_GPU;
  const [names, { total, unifiedSize }] = await Promise.all([
    llama.getGpuDeviceNames(),
    llama.getVramState(),
  ]);
  return {
    gpu: llama.gpu,
    names,
    totalBytes: total,
    usableBytes: Math.max(0, total - llama.vramPaddingSize),
    unifiedBytes: unifiedSize,
  };
}
