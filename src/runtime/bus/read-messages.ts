import { setTimeout as delay } from 'node:timers/promises';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { AipgError } from '../protocol/errors.ts';
import { newInbox } from './identity.ts';

/** Messages read by one request. */
const BATCH = 512;
/** How long the bus may be silent in the middle of a batch, which is then asked for again, in milliseconds. */
const SILENCE_MS = 2_500;
/** How long a bus that starts again is waited for, in milliseconds, and how often it is asked. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 200;
/** JetStream's codes for the end of a batch and for nothing found. */
const END_CODES: ReadonlySet<number> = new Set([204, 404]);
/** The bus runs, and its streams do not answer yet. */
const NO_RESPONDERS = 503;

/** A message as a stream keeps it. */
export interface Kept {
  readonly subject: string;
  readonly sequence: number;
  /** When it was written, in milliseconds since 1970. */
  readonly at: number;
  readonly data: Uint8Array;
}

export interface ReadOptions {
  /** A subject, or a pattern. */
  readonly subject: string;
  /** Only what was written from then on, in milliseconds since 1970. */
  readonly since?: number;
  /** Only what comes after this sequence. */
  readonly after?: number;
}

/**
 * What a stream keeps under a subject, the oldest first, by JetStream's direct get (ADR-31 of NATS). The client library's
 * own `getBatch` leaves a subscription behind each time. A bus that goes away in the middle is asked again.
 * @throws AipgError `grid-unreachable` when the bus stays silent
 */
export async function* readMessages(
  connection: NatsConnection,
  stream: string,
  { subject, since, after = 0 }: ReadOptions,
): AsyncGenerator<Kept> {
  let start: object =
    since === undefined ? { seq: after + 1 } : { start_time: new Date(since).toISOString() };
  for (;;) {
    const batch = await readBatch(connection, stream, { ...start, next_by_subj: subject, batch: BATCH });
    yield* batch;
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return;
    start = { seq: last.sequence + 1 };
  }
}

async function readBatch(connection: NatsConnection, stream: string, request: object): Promise<Kept[]> {
  const startedAt = performance.now();
  for (;;) {
    const batch = await askForBatch(connection, stream, request);
    if (batch !== undefined) return batch;
    if (performance.now() - startedAt > PATIENCE_MS || connection.isClosed()) {
      throw new AipgError('grid-unreachable', `The message bus stopped in the middle of ${stream}.`);
    }
    await delay(AGAIN_MS);
  }
}

/** @returns undefined when the bus fell silent */
async function askForBatch(
  connection: NatsConnection,
  stream: string,
  request: object,
): Promise<Kept[] | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Kept[] | undefined>();
  const batch: Kept[] = [];
  const inbox = newInbox(connection);
  const silence = setTimeout(() => resolve(undefined), SILENCE_MS);
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      silence.refresh();
      const code = message.headers?.code ?? 0;
      if (error) reject(error);
      else if (END_CODES.has(code)) resolve(batch);
      else if (code === NO_RESPONDERS) resolve(undefined);
      else if (code !== 0) reject(new Error(`${stream} cannot be read: ${message.headers?.description}`));
      else batch.push(kept(message));
    },
  });
  connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(request), { reply: inbox });
  try {
    return await promise;
  } finally {
    clearTimeout(silence);
    subscription.unsubscribe();
  }
}

function kept({ headers, data }: Msg): Kept {
  return {
    subject: headers?.get('Nats-Subject') ?? '',
    sequence: Number(headers?.get('Nats-Sequence')),
    at: Date.parse(headers?.get('Nats-Time-Stamp') ?? ''),
    data,
  };
}
