import type { NatsConnection } from '@nats-io/transport-node';

export type Change = 'disconnect' | 'reconnect' | 'close';

const known = new WeakMap<NatsConnection, Reconnects>();

/** The breaks of a connection, told to many listeners: the client library gives each its own queue of all its news. */
export class Reconnects {
  readonly #listeners = new Set<(change: Change) => void>();
  #connected = true;
  #changedAt = Number.NEGATIVE_INFINITY;

  private constructor(connection: NatsConnection) {
    void this.#follow(connection);
  }

  /** One for each connection. */
  static of(connection: NatsConnection): Reconnects {
    const reconnects = known.get(connection) ?? new Reconnects(connection);
    known.set(connection, reconnects);
    return reconnects;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** How long ago it last broke or came back, in milliseconds. */
  get quietForMs(): number {
    return performance.now() - this.#changedAt;
  }

  /** @returns what ends it */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves at once while connected, else with the next reconnect. @throws the signal's reason */
  async connection(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#connected) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const off = this.listen((change) => change === 'reconnect' && resolve());
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      off();
      signal.removeEventListener('abort', abort);
    }
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect' || type === 'reconnect') this.#tell(type);
    }
    this.#tell('close');
  }

  #tell(change: Change): void {
    this.#connected = change === 'reconnect';
    this.#changedAt = performance.now();
    for (const listener of [...this.#listeners]) listener(change);
  }
}
