import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { Reconnects } from '../bus/reconnects.ts';
import { AipgError } from '../protocol/errors.ts';
import { AttemptStopped } from './attempt-stopped.ts';

/** The first pause before the bus is asked again, in milliseconds; it doubles up to the longest. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Does something on the bus until it works: through a break of the connection, a bus or a director that restarts.
 * @throws the signal's reason, an {@link AttemptStopped} or {@link AipgError} of the action, and its last failure once the connection is closed
 */
export async function retryUntilStopped<T>(
  connection: NatsConnection,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)) {
    signal.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      if (error instanceof AttemptStopped || error instanceof AipgError || connection.isClosed()) throw error;
    }
    await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    await Reconnects.of(connection).connection(signal);
  }
}
