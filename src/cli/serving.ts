import { once } from 'node:events';
import process from 'node:process';
import { Flags } from '@oclif/core';
import { LIMITS } from '../runtime/protocol/limits.ts';
import { durationFlag, numberFlag } from './flags.ts';

/** Used when `--drain-timeout` is not given, in milliseconds. */
export const DRAIN_TIMEOUT_MS = 30_000;

/** Flags of what serves a model: `aipg worker` and `aipg up`. */
export const servingFlags = {
  model: Flags.string({
    char: 'm',
    description:
      'What to serve: a name, a path to a .gguf file, or hf:org/repo[:QUANT|:file.gguf]. Default: the demo model.',
    helpValue: 'MODEL',
  }),
  slots: numberFlag('slots', { min: 1, max: LIMITS.slots, integer: true })({
    description: 'Jobs that run side by side.',
    default: 4,
    helpValue: 'N',
  }),
  threads: numberFlag('threads', { min: 1, max: 512, integer: true })({
    description: 'CPU threads. Default: measured once.',
    helpValue: 'N',
  }),
  'drain-timeout': durationFlag('drain-timeout', { min: 0 })({
    description:
      'When stopping, how long running jobs may take before they go back to the queue. Default: 30s.',
    helpValue: 'TIME',
  }),
};

/** Resolves when the signal aborts; from then on `hurry` is called on each SIGINT or SIGTERM. */
export async function untilStopped(signal: AbortSignal, hurry: () => void): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  process.on('SIGINT', hurry).on('SIGTERM', hurry);
}
