import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Reconnects } from './reconnects.ts';

/** Before what could not be read is read again, in milliseconds. */
const RETRY_MS = 250;

/**
 * Reads on from a consumer for as long as the connection lives. The client library's own `consume` asks for its consumer
 * once after a break; when the bus does not answer yet, it waits half a minute, and when the consumer is gone, for ever.
 * Here it is begun anew after each break and each end, until that works.
 */
export class Following implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #begin: () => Promise<ConsumerMessages>;
  #messages: ConsumerMessages | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #closed = false;
  #unlisten = () => {};

  private constructor(connection: NatsConnection, begin: () => Promise<ConsumerMessages>) {
    this.#connection = connection;
    this.#begin = begin;
  }

  /**
   * @param begin makes sure that the consumer is there, and consumes from it by a callback that does not throw
   * @throws what `begin` throws the first time
   */
  static async start(connection: NatsConnection, begin: () => Promise<ConsumerMessages>): Promise<Following> {
    const following = new Following(connection, begin);
    following.#use(await begin());
    following.#unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') following.#renew();
    });
    return following;
  }

  /** Nothing more comes after this. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    await this.#renewing;
    await this.#messages?.close();
  }

  #use(messages: ConsumerMessages): void {
    this.#messages = messages;
    void messages.closed().then(() => {
      if (this.#messages === messages && !this.#closed) this.#renew();
    });
  }

  #renew(): void {
    this.#renewing = this.#renewing.then(() => this.#beginAnew());
  }

  async #beginAnew(): Promise<void> {
    const old = this.#messages;
    this.#messages = undefined;
    void old?.close().catch(() => undefined);
    while (!this.#closed && !this.#connection.isClosed()) {
      try {
        return this.#use(await this.#begin());
      } catch {
        await delay(RETRY_MS);
      }
    }
  }
}
