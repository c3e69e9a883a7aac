import { once } from 'node:events';
import { Flags } from '@oclif/core';
import { AipgError } from '../runtime/protocol/errors.ts';
import { LIMITS } from '../runtime/protocol/limits.ts';
import type { Region } from '../runtime/protocol/worker.ts';
import { yesFlag } from './ensure-model.ts';
import { durationFlag, numberFlag } from './flags.ts';
import type { StopSignal } from './stop-signal.ts';

/** Used when `--drain-timeout` is not given, in milliseconds. */
export const DRAIN_TIMEOUT_MS = 30_000;

/** Flags of what serves a model: `aipg worker` and `aipg up`. */
export const servingFlags = {
  model: Flags.string({
    char: 'm',
    description:
      'What to serve: a name or alias, a path to a .gguf file, or hf:org/repo[:QUANT|:file.gguf]. Default: the demo model.',
    helpValue: 'MODEL',
  }),
  yes: yesFlag,
  slots: numberFlag('slots', { min: 1, max: LIMITS.slots, integer: true })({
    description: 'Jobs that run side by side.',
    default: 4,
    helpValue: 'N',
  }),
  threads: numberFlag('threads', { min: 1, max: 512, integer: true })({
    description: 'CPU threads. Default: measured once.',
    helpValue: 'N',
  }),
  region: Flags.custom<Region>({
    description: 'Where this machine stands, for others to see: eu-west.',
    helpValue: 'REGION',
    parse: readRegion,
  })(),
  'drain-timeout': durationFlag('drain-timeout', { min: 0 })({
    description:
      'When stopping, how long running jobs may take before they go back to the queue. Default: 30s.',
    helpValue: 'TIME',
  }),
};

async function readRegion(text: string): Promise<Region> {
  const { regionSchema } = await import('../runtime/protocol/worker.ts');
  const region = regionSchema.safeParse(text);
  if (region.success) return region.data;
  throw new AipgError('usage', `${JSON.stringify(text)} is no region.`, {
    hint: 'A region has 1 to 32 of a-z, 0-9 and -, as in --region eu-west.',
  });
}

/** Resolves when asked to stop; from then on `hurry` is called each time it is asked again. */
export async function untilStopped(stop: StopSignal, hurry: () => void): Promise<void> {
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  stop.onAgain(hurry);
}

/**
 * As {@link untilStopped}, for what serves a grid.
 * @throws AipgError `not-permitted` when the bus has closed the connection for good, as when the key was revoked
 */
export async function untilStoppedOrShutOut(
  stop: StopSignal,
  connection: { closed(): Promise<unknown> },
  hurry: () => void,
): Promise<void> {
  const shutOut = connection.closed().then((cause) => {
    throw new AipgError('not-permitted', 'The grid takes this key no more: revoked or expired.', {
      hint: 'Ask its operator for a new invitation and take it with `aipg grid join`.',
      cause,
    });
  });
  // It is closed in the end, too.
  shutOut.catch(() => undefined);
  await Promise.race([untilStopped(stop, hurry), shutOut]);
}
