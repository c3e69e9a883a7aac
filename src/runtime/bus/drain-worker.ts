import { type NatsConnection, NoRespondersError, RequestError } from '@nats-io/transport-node';
import { encode } from '../protocol/codec.ts';
import type { ControlWorker } from '../protocol/control.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { subjects } from '../protocol/subjects.ts';
import { requireRole } from './identity.ts';

/** How long a worker may take to say that it has heard, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Has a worker end its jobs, take no new one and leave the grid, as SIGTERM does.
 * @returns whether it was there to be told
 * @throws AipgError `not-permitted` on a grid with keys where this is not an operator's
 */
export async function drainWorker(connection: NatsConnection, worker: WorkerId): Promise<boolean> {
  requireRole(connection, 'operator');
  const drain: ControlWorker = { type: 'drain' };
  try {
    await connection.request(subjects.controlWorker(worker), encode(drain), { timeout: ANSWER_MS });
    return true;
  } catch (error) {
    const cause = error instanceof RequestError ? error.cause : error;
    if (cause instanceof NoRespondersError || error instanceof NoRespondersError) return false;
    throw error;
  }
}
