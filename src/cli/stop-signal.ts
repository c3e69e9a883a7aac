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

export interface StopSignal extends Disposable {
  /** Aborts on Ctrl-C, SIGTERM, a closed stdout or after a time; the reason says which. */
  readonly signal: AbortSignal;
  /** What a further Ctrl-C or SIGTERM does. Default: it ends the process on the spot. */
  onAgain(act: () => void): void;
}

/** @param timeoutMs in milliseconds; absent: no limit */
export function stopSignal(timeoutMs?: number): StopSignal {
  const controller = new AbortController();
  let again = (status: number): void => process.exit(status);
  // Stays in place after the first signal: some libraries end the process when nobody else listens.
  const onSignal = (signal: NodeJS.Signals) => {
    const interrupted = new Interrupted(signal as 'SIGINT' | 'SIGTERM');
    if (controller.signal.aborted) again(interrupted.status);
    else controller.abort(interrupted);
  };
  const onPipeError = (error: NodeJS.ErrnoException) => {
    controller.abort(error.code === 'EPIPE' ? new PipeClosed() : error);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  process.stdout.on('error', onPipeError);
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          controller.abort(new AipgError('timeout', `There was no complete answer within ${timeoutMs} ms.`));
        }, timeoutMs);
  return {
    signal: controller.signal,
    onAgain: (act) => {
      again = act;
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
