import { availableParallelism, cpus, totalmem } from 'node:os';
import process from 'node:process';
import { type MachineMemory, machineMemory } from '../models/machine-room.ts';
import type { Check, Finding } from './check.ts';
import { gigabytes } from './units.ts';

/** Less than this leaves no room for any but the smallest models, in bytes. */
const LITTLE_MEMORY = 2 ** 31;

/** The program, the platform, processor and memory, as a container limits them. */
export const system: Check = {
  subject: 'system',
  limitMs: 5_000,
  find: async ({ version, paths, env }) => [
    {
      subject: 'aipg',
      status: 'ok',
      summary: `${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      facts: { version, node: process.versions.node, platform: process.platform, arch: process.arch },
    },
    processor(),
    memory(await machineMemory(paths.cache, env)),
  ],
};

function processor(): Finding {
  const all = cpus();
  const usable = availableParallelism();
  const limited = usable < all.length ? `, of ${all.length}` : '';
  const model = all[0]?.model.trim() || process.arch;
  return {
    subject: 'processor',
    status: 'ok',
    summary: `${usable} ${usable === 1 ? 'core' : 'cores'}${limited}, ${model}`,
    facts: { cores: usable, coresOfMachine: all.length, model },
  };
}

function memory({ totalBytes: total, availableBytes: available, gpu }: MachineMemory): Finding {
  const ofMachine = totalmem();
  const isLimited = total < ofMachine;
  const facts = { totalBytes: total, availableBytes: available, machineBytes: ofMachine, isLimited };
  const summary = `${gigabytes(available)} free of ${gigabytes(total)}${isLimited ? ', the limit of this container' : ''}`;
  return available < LITTLE_MEMORY
    ? {
        subject: 'memory',
        status: 'warning',
        summary,
        fix: `${gpu ? 'Models larger than the GPU has room for' : 'Larger models'} will not fit: close other programs, or raise the limit of the container.`,
        facts,
      }
    : { subject: 'memory', status: 'ok', summary, facts };
}
