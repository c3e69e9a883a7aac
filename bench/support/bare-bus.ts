import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/**
 * The bus without aipg: the same streams under other subjects, on the same server. `kept` has the guarantees of aipg:
 * admission, duplicates refused, events and one result kept. `direct` has none of them.
 */
export const BARE = {
  kept: {
    jobs: 'BARE_KEPT_JOBS',
    queue: 'bare.kept.job',
    consumer: 'kept',
    request: 'bare.kept.submit',
    event: (id: string) => `bare.kept.evt.${id}`,
    result: (id: string) => `bare.kept.res.${id}`,
  },
  direct: {
    jobs: 'BARE_DIRECT_JOBS',
    queue: 'bare.direct.job',
    consumer: 'direct',
    event: (id: string) => `bare.direct.evt.${id}`,
  },
} as const;

/** What each piece of output, and the end, are on the wire. */
export interface BareEvent {
  readonly type: 'chunk' | 'done';
  readonly tokenOffset: number;
  readonly text: string;
  readonly tokens: readonly number[];
}

const SECOND = 1_000_000_000;

export async function provisionBare(url: string): Promise<void> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const add = (config: Partial<StreamConfig> & { name: string }) =>
    manager.streams.add({ storage: 'file', ...config });
  for (const { jobs, queue, consumer } of [BARE.kept, BARE.direct]) {
    await add({ name: jobs, subjects: [queue], retention: 'workqueue', discard: 'new' });
    await manager.consumers.add(jobs, {
      durable_name: consumer,
      ack_policy: 'explicit',
      ack_wait: 3 * SECOND,
      max_ack_pending: -1,
    });
  }
  await add({
    name: 'BARE_KEPT_EVENTS',
    subjects: ['bare.kept.evt.*'],
    no_ack: true,
    max_age: 3_600 * SECOND,
  });
  await add({ name: 'BARE_KEPT_RESULTS', subjects: ['bare.kept.res.*'], max_msgs_per_subject: 1 });
  await connection.close();
}

export function toBytes(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

export function fromBytes<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
