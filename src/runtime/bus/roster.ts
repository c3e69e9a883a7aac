import type { KV, KvEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { decode } from '../protocol/codec.ts';
import type { WorkerId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { ModelName } from '../protocol/model.ts';
import { type Heartbeat, heartbeatSchema } from '../protocol/worker.ts';
import { openWorkersBucket } from './provision.ts';
import { Reconnects } from './reconnects.ts';

/** A worker that has not been heard of for this long is taken for dead, in milliseconds: three heartbeats. */
const ALIVE_MS = 15_000;

export interface RosterOptions {
  /** Called for each heartbeat that could not be read. */
  readonly onMalformed?: (key: string, reason: string) => void;
  /** Called for each heartbeat, and for each worker that takes its leave. */
  readonly onChange?: (change: RosterChange) => void;
  readonly now?: () => number;
}

export type RosterChange =
  | { readonly type: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly type: 'left'; readonly worker: WorkerId };

/** The workers that are alive, as their heartbeats tell, kept current by the bus. */
export class Roster implements AsyncDisposable {
  readonly #seen = new Map<WorkerId, { heartbeat: Heartbeat; at: number }>();
  readonly #revisions = new Map<string, number>();
  readonly #connection: NatsConnection;
  readonly #options: RosterOptions;
  readonly #now: () => number;
  #bucket: KV;
  #stop: () => void = () => undefined;
  #refreshing: Promise<void> | undefined;
  #unlisten: () => void = () => undefined;
  #closed = false;

  private constructor(connection: NatsConnection, bucket: KV, options: RosterOptions) {
    this.#connection = connection;
    this.#bucket = bucket;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Resolves once every heartbeat that the bus holds now has been read. */
  static async open(connection: NatsConnection, options: RosterOptions = {}): Promise<Roster> {
    const roster = new Roster(connection, await openWorkersBucket(connection), options);
    await roster.#watch();
    // Heartbeats live in the bus's memory: one that was restarted has lost them, and counts from 1 again.
    roster.#unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') void roster.#startOver();
    });
    return roster;
  }

  async #watch(): Promise<void> {
    const watch = await this.#bucket.watch();
    if (this.#closed) return watch.stop();
    this.#stop = () => watch.stop();
    void (async () => {
      for await (const entry of watch) this.#take(entry);
    })();
    await this.refresh();
  }

  async #startOver(): Promise<void> {
    this.#stop();
    this.#revisions.clear();
    try {
      if (this.#closed) return;
      this.#bucket = await openWorkersBucket(this.#connection);
      await this.#watch();
    } catch {
      // Gone again; the next reconnect comes here too.
    }
  }

  /** Reads what the bus holds now, ahead of what it is about to tell. */
  refresh(): Promise<void> {
    this.#refreshing ??= (async () => {
      try {
        for await (const entry of await this.#bucket.history()) this.#take(entry);
      } finally {
        this.#refreshing = undefined;
      }
    })();
    return this.#refreshing;
  }

  #take(entry: KvEntry): void {
    // Told twice, once by the watch and once by a refresh, in either order.
    if (entry.revision <= (this.#revisions.get(entry.key) ?? 0)) return;
    this.#revisions.set(entry.key, entry.revision);
    const { onMalformed, onChange } = this.#options;
    if (entry.operation !== 'PUT') {
      this.#seen.delete(entry.key as WorkerId);
      onChange?.({ type: 'left', worker: entry.key as WorkerId });
      return;
    }
    const heartbeat = decode(heartbeatSchema, entry.value);
    if (!heartbeat.ok) onMalformed?.(entry.key, heartbeat.reason);
    else if (heartbeat.value.worker !== entry.key) onMalformed?.(entry.key, 'names another worker');
    else if (heartbeat.value.protocol === PROTOCOL_VERSION) {
      this.#seen.set(heartbeat.value.worker, { heartbeat: heartbeat.value, at: this.#now() });
      onChange?.({ type: 'heartbeat', heartbeat: heartbeat.value });
    }
  }

  /** Live workers in the order of their ids. */
  workers(): Heartbeat[] {
    const oldest = this.#now() - ALIVE_MS;
    for (const [worker, { at }] of this.#seen) {
      if (at >= oldest) continue;
      this.#seen.delete(worker);
      this.#revisions.delete(worker);
    }
    return [...this.#seen.values()]
      .map(({ heartbeat }) => heartbeat)
      .sort((a, b) => a.worker.localeCompare(b.worker));
  }

  /** Models that take jobs now, with the slots that serve each; the one with the most slots first. */
  models(): Map<ModelName, number> {
    return servedModels(this.workers());
  }

  /** Models that workers are about to serve, and the share that is loaded; the furthest first. */
  loading(): { model: ModelName; fraction: number }[] {
    return this.workers()
      .flatMap(({ state, loading }) => (state === 'loading' && loading ? [loading] : []))
      .sort((a, b) => b.fraction - a.fraction);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    this.#stop();
  }
}

/** Models that take jobs, with the slots that serve each; the one with the most slots first. */
export function servedModels(workers: readonly Heartbeat[]): Map<ModelName, number> {
  const slots = new Map<ModelName, number>();
  for (const worker of workers) {
    if (worker.state !== 'serving') continue;
    for (const { name } of worker.models) slots.set(name, (slots.get(name) ?? 0) + worker.slots.total);
  }
  return new Map([...slots].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)));
}
