import process from 'node:process';
import { AipgError } from '../runtime/protocol/errors.ts';

/** Thrown when whoever read stdout has gone: nothing is wrong, and nobody is there to be told anything. */
export class PipeClosed extends Error {
  override readonly name = 'PipeClosed';
}

/** Thrown on Ctrl-C and SIGTERM: the user knows what happened. */
export class Interrupted extends AipgError {
  /** 128 and the signal's number, as a shell reports it. */
  readonly status: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('cancelled', signal === 'SIGINT' ? 'Interrupted.' : 'Terminated.');
    this.status = signal === 'SIGINT' ? 130 : 143;
  }

  override get exitCode(): number {
    return this.status;
  }
}

/**
 * Aborts on Ctrl-C, SIGTERM, a closed stdout or after a time; the reason says which. A second Ctrl-C kills the
 * process as if nobody listened.
 * @param timeoutMs in milliseconds; absent: no limit
 */
export function stopSignal(timeoutMs?: number): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) =>
    controller.abort(new Interrupted(signal as 'SIGINT' | 'SIGTERM'));
  const onPipeError = (error: NodeJS.ErrnoException) => {
    controller.abort(error.code === 'EPIPE' ? new PipeClosed() : error);
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  process.stdout.on('error', onPipeError);
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          controller.abort(new AipgError('timeout', `There was no complete answer within ${timeoutMs} ms.`));
        }, timeoutMs);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
