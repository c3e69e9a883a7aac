import type { StreamConfig } from '@nats-io/jetstream';
import { LIMITS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { patterns, STREAMS } from '../protocol/subjects.ts';

export const NANOS_PER_MS = 1_000_000;
const HOUR_MS = 60 * 60 * 1_000;
/** Events of jobs are kept for this long, in milliseconds. */
export const EVENTS_MS = HOUR_MS;
export const WEEK_MS = 7 * 24 * HOUR_MS;

/** A published job with the same id is the same job for this long, in milliseconds. */
const DUPLICATE_WINDOW_MS = 120_000;
/** Room for headers and the like beside a message. */
export const OVERHEAD_BYTES = 4_096;

export const PROTOCOL_KEY = 'aipg_protocol';
export const SETTINGS_KEY = 'aipg_settings';
/** Grows with each change of the settings below; a bus with older ones is brought up to these. */
export const SETTINGS_VERSION = 1;

export type NamedStream = Partial<StreamConfig> & { readonly name: string };

/** @param replicas copies of each stream in a cluster, 1 to 5 */
export function streamConfigs(replicas: number): readonly NamedStream[] {
  const shared = {
    storage: 'file',
    num_replicas: replicas,
    allow_direct: true,
    max_msg_size: LIMITS.messageBytes + OVERHEAD_BYTES,
    metadata: {
      [PROTOCOL_KEY]: String(PROTOCOL_VERSION),
      [SETTINGS_KEY]: String(SETTINGS_VERSION),
    },
  } as const;
  const duplicates = { duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS };
  return [
    {
      ...shared,
      ...duplicates,
      name: STREAMS.jobs,
      subjects: [patterns.jobs],
      retention: 'workqueue',
      discard: 'new',
    },
    {
      ...shared,
      ...duplicates,
      name: STREAMS.accepted,
      subjects: [patterns.accepted],
      retention: 'workqueue',
      discard: 'new',
    },
    {
      ...shared,
      name: STREAMS.events,
      subjects: [patterns.events],
      retention: 'limits',
      discard: 'old',
      // Events are published without waiting: the live reader has them already, and a lost one shows as a gap.
      no_ack: true,
      max_age: EVENTS_MS * NANOS_PER_MS,
    },
    {
      ...shared,
      name: STREAMS.results,
      subjects: [patterns.results],
      retention: 'limits',
      discard: 'old',
      max_age: WEEK_MS * NANOS_PER_MS,
      max_msgs_per_subject: 1,
    },
  ];
}
