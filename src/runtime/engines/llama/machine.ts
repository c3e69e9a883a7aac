import { availableParallelism, cpus } from 'node:os';
import process from 'node:process';

/**
 * What measurements of this machine hold for: its processor, the cores this process may use, and the library.
 * @param release of node-llama-cpp
 */
export function machineFingerprint(release: string): string {
  return [cpus()[0]?.model ?? process.arch, availableParallelism(), release].join('|');
}
