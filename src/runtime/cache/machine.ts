import { availableParallelism, cpus } from 'node:os';
import process from 'node:process';

/**
 * What measurements of this machine hold for: its processor, the cores this process may use, and the library.
 * @param release of node-llama-cpp
 */
export function machineFingerprint(release: string): string {
  return `${processorFingerprint()}|${release}`;
}

/** The part of it that tells a machine from others that share a cache. */
export function processorFingerprint(): string {
  return [cpus()[0]?.model ?? process.arch, availableParallelism()].join('|');
}
