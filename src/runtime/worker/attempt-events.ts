import type { NatsConnection } from '@nats-io/transport-node';
import type { Lease } from '../bus/lease.ts';
import { encode } from '../protocol/codec.ts';
import type { JobEvent } from '../protocol/events.ts';
import type { Job } from '../protocol/job.ts';
import { leaseProof } from '../protocol/lease-proof.ts';
import type { Sha256 } from '../protocol/model.ts';
import { finalEvent, type Result } from '../protocol/result.ts';
import { subjects } from '../protocol/subjects.ts';
import { brief } from './attempt-failure.ts';
import type { JoinedChunk } from './chunk-joiner.ts';
import type { WorkerIdentity } from './identity.ts';
import type { SealedAttempt } from './sealed-attempt.ts';

export interface AttemptEventsOptions {
  readonly connection: NatsConnection;
  readonly identity: WorkerIdentity;
  readonly modelSha256: Sha256;
  readonly job: Job;
  /** Of a sealed job. */
  readonly sealed: SealedAttempt | undefined;
}

/** What an attempt tells of its job, to whoever listens; after the connection is closed, nothing. */
export class AttemptEvents {
  readonly #options: AttemptEventsOptions;

  constructor(options: AttemptEventsOptions) {
    this.#options = options;
  }

  leased(attempt: number, lease: Lease): void {
    const { identity, modelSha256, sealed } = this.#options;
    this.#publish({
      type: 'leased',
      attempt,
      worker: identity.id,
      modelSha256,
      lease: lease.subject,
      ...(lease.ticket && { proof: leaseProof(lease.ticket, identity.id) }),
      ...(sealed && { seal: sealed.offer(attempt) }),
    });
  }

  chunk(attempt: number, chunk: JoinedChunk & { tokens: number[] }): void {
    this.#publish(this.#options.sealed?.piece(attempt, chunk) ?? { type: 'chunk', attempt, ...chunk });
  }

  retrying(attempt: number, end: 'failed' | 'given-back', reason: string): void {
    this.#publish({ type: 'retrying', attempt, end, reason: brief(reason) });
  }

  ended(attempt: number, result: Result): void {
    this.#publish(finalEvent(result, attempt));
  }

  #publish(event: JobEvent): void {
    const { connection, job } = this.#options;
    if (connection.isClosed()) return;
    connection.publish(subjects.event(job.account, job.id), encode(event));
  }
}
