import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeLarge } from '../src/runtime/bus/artifacts.ts';
import { readMessages } from '../src/runtime/bus/read-messages.ts';
import { decode } from '../src/runtime/protocol/codec.ts';
import { isFinal, jobEventSchema } from '../src/runtime/protocol/events.ts';
import { type JobId, jobIdSchema } from '../src/runtime/protocol/ids.ts';
import { type Result, recordSchema } from '../src/runtime/protocol/result.ts';
import { patterns, STREAMS } from '../src/runtime/protocol/subjects.ts';

/** How jobs have ended, as the bus has kept it. */
export interface Ends {
  /** Final records; a job that has only a claim is not among them. */
  readonly records: ReadonlyMap<JobId, Result>;
  /** What its events say of a job's end, each time that they do. */
  readonly finals: ReadonlyMap<JobId, readonly { readonly status: string; readonly textLength?: number }[]>;
  /** When the record as it is was written, in milliseconds since 1970. */
  readonly writtenAt: ReadonlyMap<JobId, number>;
  /** Tokens of output that a job's events tell before they tell of its end. */
  readonly shown: ReadonlyMap<JobId, number>;
  /** Attempts of each job, counted by its events. */
  readonly attempts: ReadonlyMap<JobId, number>;
}

export async function readEnds(connection: NatsConnection): Promise<Ends> {
  const records = new Map<JobId, Result>();
  const writtenAt = new Map<JobId, number>();
  for await (const { subject, data, at } of readMessages(connection, STREAMS.results, {
    subject: patterns.results,
  })) {
    const record = await decodeLarge(connection, recordSchema, data);
    if (!record.ok) throw new Error(`The record at ${subject} ${record.reason}.`);
    if (record.value.status === 'claimed') continue;
    records.set(jobOf(subject), record.value);
    writtenAt.set(jobOf(subject), at);
  }
  const finals = new Map<JobId, { status: string; textLength?: number }[]>();
  const shown = new Map<JobId, number>();
  const attempts = new Map<JobId, number>();
  for await (const { subject, data } of readMessages(connection, STREAMS.events, {
    subject: patterns.events,
  })) {
    const decoded = decode(jobEventSchema, data);
    if (!decoded.ok) throw new Error(`An event at ${subject} ${decoded.reason}.`);
    const event = decoded.value;
    const job = jobOf(subject);
    if (event.type === 'leased') attempts.set(job, Math.max(attempts.get(job) ?? 0, event.attempt));
    if (event.type === 'chunk' && !finals.has(job))
      shown.set(job, Math.max(shown.get(job) ?? 0, event.tokenOffset + event.tokens.length));
    if (!isFinal(event)) continue;
    const { type: status } = event;
    const final = event.type === 'done' ? { status, textLength: event.outcome.textLength } : { status };
    finals.set(job, [...(finals.get(job) ?? []), final]);
  }
  return { records, writtenAt, finals, shown, attempts };
}

/** Messages of a stream, and its consumers. */
export async function streamState(
  manager: JetStreamManager,
  stream: string,
): Promise<{ messages: number; consumers: readonly string[] }> {
  const { state } = await manager.streams.info(stream);
  const consumers: string[] = [];
  for await (const { name } of manager.consumers.list(stream)) consumers.push(name);
  return { messages: state.messages, consumers: consumers.sort() };
}

function jobOf(subject: string): JobId {
  return jobIdSchema.parse(subject.split('.').at(-1));
}
