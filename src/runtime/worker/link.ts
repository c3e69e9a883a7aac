import { jetstream } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { needsDirector } from '../bus/identity.ts';
import { directAccess, type QueueAccess } from '../bus/job-queue.ts';
import type { Proof } from '../bus/lease.ts';
import {
  type OwnQueue,
  openWorkersBucket,
  provision,
  provisionQueues,
  type Queue,
} from '../bus/provision.ts';
import { addPart, type ClaimOutcome, claimJob, readResult, writeResult } from '../bus/record.ts';
import { encode } from '../protocol/codec.ts';
import type { Account, JobId, WorkerId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import type { Part } from '../protocol/part.ts';
import type { Result } from '../protocol/result.ts';
import type { Heartbeat } from '../protocol/worker.ts';

/** What came of writing a result: it stands, another one does, or a claim that is not known here. */
export type Finish = { readonly written: boolean; readonly result?: Result | undefined };

/** What a worker does on the bus beside publishing events: by itself, or, with a key of its own, through a director. */
export interface WorkerLink {
  /** Makes sure of a model's queues; those of the worker's own account are among them where it has one. */
  queues(model: ModelName): Promise<readonly (Queue | OwnQueue)[]>;
  access(model: ModelName): QueueAccess;
  beat(heartbeat: Heartbeat): Promise<void>;
  /** Takes its leave of the grid. */
  leave(): Promise<void>;
  /** After the connection was broken: what the bus held in memory may be gone. */
  renew(): Promise<void>;
  /** @param proof that the job was handed to this worker */
  claim(account: Account, job: JobId, attempt: number, proof: Proof): Promise<ClaimOutcome>;
  /** @param expected the worker's claim, 0 for none */
  finish(account: Account, job: JobId, result: Result, expected: number, proof: Proof): Promise<Finish>;
  /** Says what was streamed of a job that was ended over its worker's head. @returns whether it was taken */
  part(account: Account, job: JobId, part: Part, proof: Proof): Promise<boolean>;
}

export interface LinkOptions {
  readonly connection: NatsConnection;
  readonly id: WorkerId;
  /** Copies of each stream, where this worker is the first to come. */
  readonly replicas?: number | undefined;
}

/** @throws AipgError `protocol-mismatch`, `grid-unreachable` */
export async function openLink(options: LinkOptions): Promise<WorkerLink> {
  if (needsDirector(options.connection)) {
    return (await import('./director-link.ts')).directorLink(options);
  }
  return directLink(options);
}

async function directLink({ connection, id, replicas }: LinkOptions): Promise<WorkerLink> {
  const manager = await provision(connection, { replicas });
  const store = { connection, manager, jetstream: jetstream(connection) };
  let bucket: KV = await openWorkersBucket(connection);
  return {
    queues: (model) => provisionQueues(manager, 'text', model),
    access: () => directAccess(connection),
    beat: async (heartbeat) => void (await bucket.put(id, encode(heartbeat))),
    leave: () => bucket.purge(id),
    renew: async () => {
      bucket = await openWorkersBucket(connection);
    },
    claim: (account, job, attempt) => claimJob(store, account, job, attempt, id),
    finish: async (account, job, result, expected) => {
      if (await writeResult(store, account, job, result, expected)) return { written: true };
      return { written: false, result: await readResult(store, account, job) };
    },
    part: (account, job, part) => addPart(store, account, job, part, async () => true),
  };
}
