import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConsumerMessages,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DEFAULT_POLICY } from '../ledger/drafts.ts';
import type { Entry } from '../ledger/entry.ts';
import { type EntryLog, Ledger, type LedgerOptions, type LogMessage } from '../ledger/ledger.ts';
import { readEntry } from '../ledger/seal.ts';
import { LIMITS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { SETTLER, STREAMS, subjects } from '../protocol/subjects.ts';
import { Reconnects } from './reconnects.ts';
import { OVERHEAD_BYTES, PROTOCOL_KEY } from './streams.ts';
import { isWrongSequence } from './wrong-sequence.ts';

/** JetStream's error codes for a stream that is not there, and for one that exists with other settings. */
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;

/** What the bus needs to be asked for the ledger. */
export interface LedgerStore {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
}

/** Whether this grid counts credits. */
export async function hasLedger({ manager }: Pick<LedgerStore, 'manager'>): Promise<boolean> {
  return (await ledgerReplicas(manager)) !== undefined;
}

/**
 * Makes sure of the ledger's stream; safe to repeat and to do from many processes at once. It is kept for ever: the
 * server itself refuses to delete or purge any of it, and takes that back for nobody.
 * @param replicas copies in a cluster, 1 to 5; as many as results have if left out
 */
export async function provisionLedger(manager: JetStreamManager, replicas?: number): Promise<void> {
  const existing = await ledgerReplicas(manager);
  if (existing !== undefined && (replicas === undefined || replicas === existing)) return;
  if (existing !== undefined) {
    await manager.streams.update(STREAMS.ledger, { num_replicas: replicas ?? existing });
    return;
  }
  const num_replicas = replicas ?? (await manager.streams.info(STREAMS.results)).config.num_replicas;
  try {
    await manager.streams.add({
      name: STREAMS.ledger,
      subjects: [subjects.ledger],
      storage: 'file',
      retention: 'limits',
      discard: 'new',
      num_replicas,
      allow_direct: true,
      deny_delete: true,
      deny_purge: true,
      max_msg_size: LIMITS.messageBytes + OVERHEAD_BYTES,
      metadata: { [PROTOCOL_KEY]: String(PROTOCOL_VERSION) },
    });
  } catch (error) {
    // Another process was first.
    if (!(error instanceof JetStreamApiError && error.code === STREAM_NAME_IN_USE)) throw error;
  }
}

/**
 * The ledger of a grid, read to its end and followed from then on; a new one is begun. The connection stays the
 * caller's. @throws AipgError `grid-unreachable`, `protocol-mismatch`
 */
export async function openLedger(store: LedgerStore, options: LedgerOptions): Promise<Ledger> {
  const ledger = await Ledger.open(new LedgerStream(store), options);
  await ledger.append(({ n }) => (n === 0 ? [{ kind: 'policy', policy: DEFAULT_POLICY }] : undefined));
  return ledger;
}

/**
 * Shows each message that comes into a grid's ledger from now on, also after a break of the connection; `undefined`
 * where there is none. What it says is its writer's word: whoever must know that it follows the rules opens the ledger.
 */
export async function followLedger(
  store: LedgerStore,
  take: (message: LogMessage) => void,
): Promise<AsyncDisposable | undefined> {
  if (!(await hasLedger(store))) return undefined;
  const stream = new LedgerStream(store);
  await stream.followFrom(await stream.last(), take);
  return stream;
}

/** An entry of the ledger by the sequence of the message that holds it; `undefined` when it holds no such entry. */
export async function readLedgerEntry(
  { manager }: Pick<LedgerStore, 'manager'>,
  sequence: number,
  n: number,
): Promise<Entry | undefined> {
  const message = await manager.direct.getMessage(STREAMS.ledger, { seq: sequence });
  const lines = message ? new TextDecoder().decode(message.data).trimEnd().split('\n') : [];
  const [first] = lines;
  const offset = first === undefined ? -1 : n - readEntry(first).n;
  const line = lines[offset];
  return line === undefined ? undefined : readEntry(line);
}

/** How many results wait to be settled. */
export async function unsettledResults({ manager }: Pick<LedgerStore, 'manager'>): Promise<number> {
  const { num_pending, num_ack_pending } = await manager.consumers.info(STREAMS.results, SETTLER);
  return num_pending + num_ack_pending;
}

/** Of the silence after which the bus is asked whether it still shows the ledger, in milliseconds. */
const SILENCE_MS = 2_000;
/** Before a ledger that could not be followed is followed again, in milliseconds. */
const FOLLOW_MS = 250;

/** The ledger's stream, as the log that a ledger is kept in. */
class LedgerStream implements EntryLog {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #jetstream: JetStreamClient;
  #messages: ConsumerMessages | undefined;
  #shown = 0;
  #closed = false;
  #unlisten = () => {};
  #following: Promise<void> = Promise.resolve();

  constructor({ connection, manager }: LedgerStore) {
    this.#connection = connection;
    this.#manager = manager;
    this.#jetstream = jetstream(connection);
  }

  async append(data: Uint8Array, expected: number): Promise<boolean> {
    try {
      await this.#jetstream.publish(subjects.ledger, data, {
        expect: { streamName: STREAMS.ledger, lastSequence: expected },
      });
      return true;
    } catch (error) {
      if (isWrongSequence(error)) return false;
      throw error;
    }
  }

  async follow(take: (message: LogMessage) => void): Promise<void> {
    await this.#follow(take);
    // The library's own consumer stays behind for good when it cannot be made anew at once.
    this.#unlisten = Reconnects.of(this.#connection).listen((change) => {
      if (change === 'reconnect') this.#following = this.#following.then(() => this.#followAnew(take));
    });
  }

  /** @param last the sequence of the message behind which to begin */
  async followFrom(last: number, take: (message: LogMessage) => void): Promise<void> {
    this.#shown = last;
    await this.follow(take);
  }

  async #follow(take: (message: LogMessage) => void): Promise<void> {
    const consumer = await this.#jetstream.consumers.get(STREAMS.ledger, {
      deliver_policy: 'by_start_sequence',
      opt_start_seq: this.#shown + 1,
    });
    this.#messages = await consumer.consume({
      idle_heartbeat: SILENCE_MS / 2,
      callback: ({ seq, data }) => {
        this.#shown = Math.max(this.#shown, seq);
        take({ sequence: seq, data });
      },
    });
  }

  async #followAnew(take: (message: LogMessage) => void): Promise<void> {
    void this.#messages?.close().catch(() => undefined);
    while (!this.#closed && !this.#connection.isClosed()) {
      try {
        return await this.#follow(take);
      } catch {
        await delay(FOLLOW_MS);
      }
    }
  }

  async last(): Promise<number> {
    const { state } = await this.#manager.streams.info(STREAMS.ledger);
    return state.last_seq;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    await this.#following;
    await this.#messages?.close();
  }
}

async function ledgerReplicas(manager: JetStreamManager): Promise<number | undefined> {
  try {
    const { config } = await manager.streams.info(STREAMS.ledger);
    return config.num_replicas;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}
