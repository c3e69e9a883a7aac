import { availableParallelism, cpus } from 'node:os';
import type { Library } from './backend.ts';

/** What measurements of this machine hold for: its processor, the cores this process may use, and the library. */
export async function machineFingerprint(library: Library): Promise<string> {
  return [cpus()[0]?.model ?? process.arch, availableParallelism(), await library.getModuleVersion()].join(
    '|',
  );
}
