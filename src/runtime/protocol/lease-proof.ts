import { hash } from 'node:crypto';
import type { Ticket, WorkerId } from './ids.ts';
import type { Sha256 } from './model.ts';

/**
 * By which a worker that says that it has leased a job shows that the job was handed to it, without telling the ticket:
 * anybody with a worker's key who knows the job's id can publish its events. Sha256 of a line that says what it is, the
 * ticket, and the worker's id, a line feed between them.
 */
export function leaseProof(ticket: Ticket, worker: WorkerId): Sha256 {
  return hash('sha256', `aipg lease 1\n${ticket}\n${worker}`) as Sha256;
}
