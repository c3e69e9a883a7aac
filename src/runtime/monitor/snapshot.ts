import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type DirectorInfo, listDirectors } from '../bus/directors.ts';
import { memberOf, needsDirector } from '../bus/identity.ts';
import { Roster, servedModels } from '../bus/roster.ts';
import { askStatus } from '../bus/status.ts';
import type { ModelName } from '../protocol/model.ts';
import { STREAMS } from '../protocol/subjects.ts';
import type { Heartbeat } from '../protocol/worker.ts';

/** A grid as it is at one moment. */
export interface Snapshot {
  readonly bus: { readonly version: string; readonly roundTripMs: number };
  readonly directors: readonly DirectorInfo[];
  readonly workers: readonly Heartbeat[];
  /** Models that take jobs, with the slots that serve each. */
  readonly models: readonly { readonly name: ModelName; readonly slots: number }[];
  /** Jobs accepted and not ended: waiting or in work. */
  readonly jobs: number;
}

/**
 * Asks the bus for everything at once; with a key that has no right to, a director. The connection stays the caller's.
 * @throws AipgError `not-permitted`
 */
export async function takeSnapshot(connection: NatsConnection): Promise<Snapshot> {
  const [roundTripMs, { directors, workers, jobs }] = await Promise.all([
    connection.rtt(),
    needsDirector(connection) ? askForStatus(connection) : readStatus(connection),
  ]);
  return {
    bus: { version: connection.info?.version ?? 'unknown', roundTripMs },
    directors,
    workers,
    models: [...servedModels(workers)].map(([name, slots]) => ({ name, slots })),
    jobs,
  };
}

type Status = Pick<Snapshot, 'directors' | 'workers' | 'jobs'>;

async function readStatus(connection: NatsConnection): Promise<Status> {
  const manager = await jetstreamManager(connection);
  await using roster = await Roster.open(connection);
  const [directors, queue] = await Promise.all([
    listDirectors(connection),
    manager.streams.info(STREAMS.jobs).catch(() => undefined),
  ]);
  return { directors, workers: roster.workers(), jobs: queue?.state.messages ?? 0 };
}

/** Of a grid that no director answers for, nothing is known but its bus. */
async function askForStatus(connection: NatsConnection): Promise<Status> {
  const account = memberOf(connection)?.account;
  const status = account && (await askStatus(connection, account));
  return status ?? { directors: [], workers: [], jobs: 0 };
}
