import { AipgError } from '../../protocol/errors.ts';

/** @throws AipgError `cancelled` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AipgError('cancelled', `Cancelled: ${what}.`, { cause: signal.reason });
}
