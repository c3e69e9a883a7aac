import { type JetStreamManager, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { AipgError } from '../protocol/errors.ts';
import type { Kind, Tier } from '../protocol/job.ts';
import { LIMITS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { ModelName } from '../protocol/model.ts';
import { BUCKETS, consumerName, patterns, STREAMS, subjects } from '../protocol/subjects.ts';

const NANOS_PER_MS = 1_000_000;
const HOUR_MS = 60 * 60 * 1_000;

/** A job whose worker does not renew its lease for this long goes to another, in milliseconds. */
export const ACK_WAIT_MS = 3_000;
/** A heartbeat not renewed for this long is forgotten, in milliseconds. */
export const HEARTBEAT_TTL_MS = 30_000;

const PROTOCOL_KEY = 'aipg_protocol';
const metadata = { [PROTOCOL_KEY]: String(PROTOCOL_VERSION) };

const streams: Partial<StreamConfig>[] = [
  {
    name: STREAMS.jobs,
    subjects: [patterns.jobs],
    retention: 'workqueue',
    storage: 'file',
    discard: 'new',
    duplicate_window: 120_000 * NANOS_PER_MS,
    max_msg_size: LIMITS.messageBytes,
    allow_direct: true,
    metadata,
  },
  {
    name: STREAMS.events,
    subjects: [patterns.events],
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    // Events are published without waiting: the live reader has them already, and a lost one shows as a gap.
    no_ack: true,
    max_age: HOUR_MS * NANOS_PER_MS,
    max_msg_size: LIMITS.messageBytes,
    allow_direct: true,
    metadata,
  },
  {
    name: STREAMS.results,
    subjects: [patterns.results],
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    max_age: 7 * 24 * HOUR_MS * NANOS_PER_MS,
    max_msgs_per_subject: 1,
    max_msg_size: LIMITS.resultBytes,
    allow_direct: true,
    metadata,
  },
];

/**
 * Makes sure that the bus has our streams; safe to repeat and to do from several processes at once.
 * @throws AipgError `protocol-mismatch` when the bus holds the streams of another protocol version
 */
export async function provision(connection: NatsConnection): Promise<JetStreamManager> {
  const manager = await openJetStream(connection);
  for (const config of streams) {
    const existing = await manager.streams.info(config.name as string).catch(() => undefined);
    if (existing) checkProtocol(existing.config);
    else await manager.streams.add(config as Partial<StreamConfig> & { name: string });
  }
  return manager;
}

async function openJetStream(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection);
  } catch (cause) {
    throw new AipgError('grid-unreachable', 'The message bus does not offer JetStream.', {
      hint: 'Start nats-server with `-js`, or let `aipg up` run its own.',
      cause,
    });
  }
}

function checkProtocol(config: StreamConfig): void {
  const version = config.metadata?.[PROTOCOL_KEY] ?? 'none';
  if (version === String(PROTOCOL_VERSION)) return;
  throw new AipgError(
    'protocol-mismatch',
    `This bus speaks protocol ${version} (stream ${config.name}); this aipg speaks ${PROTOCOL_VERSION}.`,
    { hint: 'Use the same release of aipg on all machines of a grid, or another bus.' },
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

/** Makes sure of the durable consumer from which all workers of one kind, tier and model pull. */
export async function provisionConsumer(
  manager: JetStreamManager,
  kind: Kind,
  tier: Tier,
  model: ModelName,
): Promise<string> {
  const name = consumerName(kind, tier, model);
  await manager.consumers.add(STREAMS.jobs, {
    durable_name: name,
    filter_subject: subjects.job(kind, tier, model),
    ack_policy: 'explicit',
    ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
    max_ack_pending: -1,
    max_deliver: -1,
  });
  return name;
}
