import type { NatsConnection } from '@nats-io/transport-node';
import { JobQueue } from '../../src/runtime/bus/job-queue.ts';
import type { Lease } from '../../src/runtime/bus/lease.ts';
import { decode, encode } from '../../src/runtime/protocol/codec.ts';
import type { JobEvent } from '../../src/runtime/protocol/events.ts';
import { type Job, jobSchema } from '../../src/runtime/protocol/job.ts';
import { leaseProof } from '../../src/runtime/protocol/lease-proof.ts';
import type { ModelName, Sha256 } from '../../src/runtime/protocol/model.ts';
import type { Part } from '../../src/runtime/protocol/part.ts';
import { subjects } from '../../src/runtime/protocol/subjects.ts';
import { identityOf, type WorkerIdentity } from '../../src/runtime/worker/identity.ts';
import { openLink, type WorkerLink } from '../../src/runtime/worker/link.ts';
import { partOf } from '../../src/runtime/worker/part.ts';
import { wordOf } from './pausing-engine.ts';

const FILE = 'a'.repeat(64) as Sha256;

/** A job that was handed to a worker. */
export interface Held {
  readonly job: Job;
  readonly lease: Lease;
}

/** A worker with a key of its own that a test plays by hand, honestly or not, by the real link. */
export class HandWorker {
  readonly identity: WorkerIdentity;
  readonly link: WorkerLink;
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection, identity: WorkerIdentity, link: WorkerLink) {
    this.#connection = connection;
    this.identity = identity;
    this.link = link;
  }

  static async start(connection: NatsConnection): Promise<HandWorker> {
    const identity = identityOf(connection, 'hand');
    return new HandWorker(connection, identity, await openLink({ connection, id: identity.id }));
  }

  /** Takes the next job. */
  async take(model: ModelName): Promise<Held> {
    const queue = new JobQueue(this.#connection, await this.link.queues(model), this.link.access(model));
    const lease = await queue.next();
    queue.close();
    const job = lease && decode(jobSchema, lease.data);
    if (!lease || !job?.ok) throw new Error('There was no job.');
    return { job: job.value, lease };
  }

  /** Says that it has the lease. */
  async lease({ job, lease }: Held, attempt = 1): Promise<void> {
    const { id: worker } = this.identity;
    const proof = lease.ticket && leaseProof(lease.ticket, worker);
    await this.publish(job, {
      ...{ type: 'leased', attempt, worker, modelSha256: FILE, lease: lease.subject },
      ...(proof && { proof }),
    });
  }

  /** Streams words from one token, 1 the first, to another. */
  async stream({ job }: Held, from: number, to: number, attempt = 1): Promise<void> {
    const { text: before } = answer(from - 1);
    const { text, tokens } = answer(to);
    await this.publish(job, {
      ...{ type: 'chunk', attempt, tokenOffset: from - 1, textOffset: before.length },
      ...{ text: text.slice(before.length), tokens: tokens.slice(from - 1) },
    });
  }

  async publish({ account, id }: Job, event: JobEvent): Promise<void> {
    this.#connection.publish(subjects.event(account, id), encode(event));
    await this.#connection.flush();
  }

  /** What it signs to have streamed: so many tokens. */
  part({ job }: Held, tokens: number, attempt = 1): Part {
    const output = { sent: answer(tokens), promptTokens: 8 };
    return partOf({
      job,
      attempt,
      identity: this.identity,
      modelSha256: FILE,
      output,
      startedAt: Date.now(),
    });
  }

  /** Has a director put its part with the record. */
  async say({ job, lease }: Held, part: Part): Promise<boolean> {
    return this.link.part(job.account, job.id, part, lease);
  }
}

/** So many tokens of the only answer that it gives. */
function answer(count: number): { readonly text: string; readonly tokens: number[] } {
  const tokens = Array.from({ length: count }, (_, at) => at + 1);
  return { text: tokens.map(wordOf).join(''), tokens };
}
