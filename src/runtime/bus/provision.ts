import { setTimeout as delay } from 'node:timers/promises';
import {
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { ObjectStore } from '@nats-io/obj';
import { type NatsConnection, RequestError, TimeoutError } from '@nats-io/transport-node';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import { type Kind, type Lane, laneSchema, type Tier, tierSchema } from '../protocol/job.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { ModelName } from '../protocol/model.ts';
import { ownConsumerName, ownSubjects } from '../protocol/own-lane.ts';
import { BUCKETS, consumerName, patterns, REAPER, SETTLER, STREAMS } from '../protocol/subjects.ts';
import {
  NANOS_PER_MS,
  type NamedStream,
  PROTOCOL_KEY,
  SETTINGS_KEY,
  SETTINGS_VERSION,
  streamConfigs,
  WEEK_MS,
} from './streams.ts';

/** A job whose worker does not renew its lease for this long goes to another, in milliseconds. */
export const ACK_WAIT_MS = 3_000;
/** A heartbeat not renewed for this long is forgotten, in milliseconds. */
export const HEARTBEAT_TTL_MS = 30_000;
/** A queue that nobody has pulled from for this long is forgotten, its jobs are not, in milliseconds. */
const IDLE_QUEUE_MS = 24 * 60 * 60 * 1_000;
/** A director that looks after an accepted job and is gone is replaced after this long, in milliseconds. */
const REAPER_ACK_WAIT_MS = 90_000;

/** A director that has a result to settle and is gone or slow is replaced after this long, in milliseconds. */
const SETTLER_ACK_WAIT_MS = 10_000;
/** Results that all directors together have at hand. */
const MAX_SETTLING = 512;

/** A bus that does not answer is asked again for this long, in milliseconds. */
const MAX_BUSY_MS = 20_000;
const RETRY_MS = 250;

/** JetStream's error codes for a stream that is not there, and for one that exists with other settings. */
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;

export interface ProvisionOptions {
  /** Copies of each stream in a cluster, 1 to 5. Default: as it is; 1 for a new one. */
  readonly replicas?: number | undefined;
}

/**
 * Makes sure that the bus has our streams with our settings; safe to repeat and to do from many processes at once.
 * Settings of an older release are brought up to date; those of a newer one are left alone.
 * @throws AipgError `protocol-mismatch` when the bus holds the streams of another protocol version, `grid-unreachable`
 */
export async function provision(
  connection: NatsConnection,
  { replicas }: ProvisionOptions = {},
): Promise<JetStreamManager> {
  for (const startedAt = performance.now(); ; ) {
    try {
      const manager = await openJetStream(connection);
      for (const config of streamConfigs(replicas ?? 1)) await ensureStream(manager, config, replicas);
      return manager;
    } catch (error) {
      const isTired = performance.now() - startedAt > MAX_BUSY_MS || connection.isClosed();
      if (!isBusy(error) || isTired) throw isBusy(error) ? busy(error) : error;
    }
    await delay(RETRY_MS);
  }
}

/** A cluster that elects a leader does not answer, or says that it has no JetStream just now. */
function isBusy(error: unknown): boolean {
  const busy = [RequestError, TimeoutError];
  return busy.some(
    (type) => error instanceof type || (error instanceof Error && error.cause instanceof type),
  );
}

function busy(cause: unknown): AipgError {
  return new AipgError(
    'grid-unreachable',
    'The message bus does not answer: its JetStream may have no leader.',
    {
      hint: 'See whether a majority of its nodes is up, and the log of nats-server.',
      cause,
    },
  );
}

async function ensureStream(
  manager: JetStreamManager,
  config: NamedStream,
  replicas: number | undefined,
): Promise<void> {
  const existing = await manager.streams.info(config.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  });
  if (existing === undefined) {
    try {
      await manager.streams.add(config);
    } catch (error) {
      // Another process was first, perhaps of another release.
      if (!(error instanceof JetStreamApiError && error.code === STREAM_NAME_IN_USE)) throw refusedBy(error);
      await ensureStream(manager, config, replicas);
    }
    return;
  }
  if (await retireOlder(manager, existing)) return ensureStream(manager, config, replicas);
  const { num_replicas } = existing.config;
  const older = Number(existing.config.metadata?.[SETTINGS_KEY] ?? 0) < SETTINGS_VERSION;
  const wanted = replicas ?? num_replicas;
  if (older || wanted !== num_replicas) {
    await manager.streams.update(config.name, { ...config, num_replicas: wanted }).catch((error: unknown) => {
      throw refusedBy(error);
    });
  }
}

async function openJetStream(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection);
  } catch (cause) {
    // The server says when it connects whether it has JetStream at all.
    if (isBusy(cause) && connection.info?.jetstream) throw cause;
    throw new AipgError('grid-unreachable', 'The message bus does not offer JetStream.', {
      hint: 'Start nats-server with `-js`, or let `aipg up` run its own.',
      cause,
    });
  }
}

function refusedBy(error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  return new AipgError('grid-unreachable', `The message bus refuses our streams: ${error.message}.`, {
    hint: 'Ask for no more replicas than the cluster has nodes, and see the log of nats-server.',
    cause: error,
  });
}

/**
 * A stream of an older protocol makes room for ours once no job waits on the bus: nobody could read it any more.
 * @returns whether it was removed
 */
async function retireOlder(manager: JetStreamManager, { config }: StreamInfo): Promise<boolean> {
  const version = config.metadata?.[PROTOCOL_KEY] ?? 'none';
  if (version === String(PROTOCOL_VERSION)) return false;
  const older = Number(version) < PROTOCOL_VERSION;
  const jobs = older ? await manager.streams.info(STREAMS.jobs).catch(() => undefined) : undefined;
  if (older && (jobs?.state.messages ?? 0) === 0) {
    await manager.streams.delete(config.name).catch(() => undefined);
    return true;
  }
  throw new AipgError(
    'protocol-mismatch',
    `This bus speaks protocol ${version} (stream ${config.name}); this aipg speaks ${PROTOCOL_VERSION}.`,
    {
      hint: older
        ? 'Let its jobs end with the older release first, or use another bus.'
        : 'Use the same release of aipg on all machines of a grid, or another bus.',
    },
  );
}

/** The heartbeats of all workers. */
export async function openWorkersBucket(connection: NatsConnection): Promise<KV> {
  return new Kvm(connection).create(BUCKETS.workers, {
    storage: 'memory',
    ttl: HEARTBEAT_TTL_MS,
    history: 1,
  });
}

const artifacts = new WeakMap<NatsConnection, Promise<ObjectStore>>();

/** What is too large for the bus; made on first use, opened once for each connection. */
export function openArtifacts(connection: NatsConnection): Promise<ObjectStore> {
  const opened = artifacts.get(connection) ?? createArtifacts(connection);
  artifacts.set(connection, opened);
  opened.catch(() => artifacts.delete(connection));
  return opened;
}

async function createArtifacts(connection: NatsConnection): Promise<ObjectStore> {
  const { Objm } = await import('@nats-io/obj');
  const replicas = await openJetStream(connection).then(async (manager) => {
    const { config } = await manager.streams.info(STREAMS.results);
    return config.num_replicas;
  });
  return new Objm(connection).create(BUCKETS.artifacts, { ttl: WEEK_MS * NANOS_PER_MS, replicas });
}

/** Makes sure of the durable consumers from which all workers of one kind and model pull, one per tier and lane. */
export async function provisionQueues(
  manager: JetStreamManager,
  kind: Kind,
  model: ModelName,
): Promise<readonly Queue[]> {
  const queues = tierSchema.options.flatMap((tier) =>
    laneSchema.options.map(
      (lane): Queue => ({ tier, lane, consumer: consumerName(kind, tier, lane, model) }),
    ),
  );
  await Promise.all(
    queues.map(({ tier, lane, consumer }) =>
      provisionQueue(manager, consumer, patterns.lane(kind, tier, lane, model)),
    ),
  );
  return queues;
}

/** Makes sure of those from which an account's own workers pull its jobs, one per tier. */
export async function provisionOwnQueues(
  manager: JetStreamManager,
  kind: Kind,
  model: ModelName,
  account: Account,
): Promise<readonly OwnQueue[]> {
  return await Promise.all(
    tierSchema.options.map(async (tier) => {
      const consumer = ownConsumerName(kind, tier, model, account);
      await provisionQueue(manager, consumer, ownSubjects.job(kind, tier, model, account));
      return { tier, lane: 'own', consumer } as const;
    }),
  );
}

async function provisionQueue(manager: JetStreamManager, consumer: string, filter: string): Promise<void> {
  await manager.consumers.add(STREAMS.jobs, {
    durable_name: consumer,
    filter_subject: filter,
    ack_policy: 'explicit',
    ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
    max_ack_pending: -1,
    max_deliver: -1,
    inactive_threshold: IDLE_QUEUE_MS * NANOS_PER_MS,
  });
}

/** One tier and lane of a model's queue, by its consumer. */
export interface Queue {
  readonly tier: Tier;
  readonly lane: Lane;
  readonly consumer: string;
}

/** One tier of an account's own queue. */
export interface OwnQueue extends Omit<Queue, 'lane'> {
  readonly lane: 'own';
}

/** Makes sure of the durable consumer by which directors share the care for accepted jobs. */
export async function provisionReaper(manager: JetStreamManager): Promise<void> {
  await manager.consumers.add(STREAMS.accepted, {
    durable_name: REAPER,
    ack_policy: 'explicit',
    ack_wait: REAPER_ACK_WAIT_MS * NANOS_PER_MS,
    max_ack_pending: -1,
    max_deliver: -1,
  });
}

/** Makes sure of the durable consumer by which directors share the settlement of jobs that have ended. */
export async function provisionSettler(manager: JetStreamManager): Promise<void> {
  await manager.consumers.add(STREAMS.results, {
    durable_name: SETTLER,
    ack_policy: 'explicit',
    ack_wait: SETTLER_ACK_WAIT_MS * NANOS_PER_MS,
    max_ack_pending: MAX_SETTLING,
    max_deliver: -1,
  });
}
