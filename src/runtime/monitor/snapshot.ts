import { jetstreamManager } from '@nats-io/jetstream';
import { Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { Roster } from '../bus/roster.ts';
import type { ModelName } from '../protocol/model.ts';
import { STREAMS } from '../protocol/subjects.ts';
import type { Heartbeat } from '../protocol/worker.ts';

/** How long directors have to answer a ping, in milliseconds. */
const PING_MS = 300;

/** A grid as it is at one moment. */
export interface Snapshot {
  readonly bus: { readonly version: string; readonly roundTripMs: number };
  readonly directors: readonly { readonly id: string; readonly version: string }[];
  readonly workers: readonly Heartbeat[];
  /** Models that take jobs, with the slots that serve each. */
  readonly models: readonly { readonly name: ModelName; readonly slots: number }[];
  /** Jobs accepted and not ended: waiting or in work. */
  readonly jobs: number;
}

/** Asks the bus for everything at once. The connection stays the caller's. */
export async function takeSnapshot(connection: NatsConnection): Promise<Snapshot> {
  const manager = await jetstreamManager(connection);
  await using roster = await Roster.open(connection);
  const [roundTripMs, directors, queue] = await Promise.all([
    connection.rtt(),
    listDirectors(connection),
    manager.streams.info(STREAMS.jobs).catch(() => undefined),
  ]);
  return {
    bus: { version: connection.info?.version ?? 'unknown', roundTripMs },
    directors,
    workers: roster.workers(),
    models: [...roster.models()].map(([name, slots]) => ({ name, slots })),
    jobs: queue?.state.messages ?? 0,
  };
}

export async function listDirectors(connection: NatsConnection): Promise<{ id: string; version: string }[]> {
  const directors: { id: string; version: string }[] = [];
  const client = new Svcm(connection).client({ strategy: 'stall', maxWait: PING_MS });
  for await (const { id, version } of await client.ping('aipg-director')) directors.push({ id, version });
  return directors.sort((a, b) => a.id.localeCompare(b.id));
}
