import type { Msg, NatsConnection } from '@nats-io/transport-node';

const NANOS_PER_MS = 1_000_000;

/**
 * A worker's hold on a job: the queue's message that it has not acknowledged. The replies are those of JetStream's
 * acknowledgement protocol (ADR-15 of NATS).
 */
export class Lease {
  readonly data: Uint8Array;
  /** How often the job was handed out, this time included: the attempt's number, which only grows. */
  readonly attempt: number;
  /** The job's place in the queue's stream. */
  readonly sequence: number;
  /** The part of the queue that it came from. */
  readonly consumer: string;
  readonly #connection: NatsConnection;
  readonly #reply: string;

  private constructor(
    connection: NatsConnection,
    message: Msg,
    reply: string,
    { attempt, sequence, consumer }: { attempt: number; sequence: number; consumer: string },
  ) {
    this.#connection = connection;
    this.#reply = reply;
    this.data = message.data;
    this.attempt = attempt;
    this.sequence = sequence;
    this.consumer = consumer;
  }

  /** `undefined` when the message is not one that JetStream handed out. */
  static of(connection: NatsConnection, message: Msg): Lease | undefined {
    const { reply } = message;
    if (reply === undefined) return undefined;
    // $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.… or, newer, with <domain>.<account> before the stream.
    const tokens = reply.split('.');
    if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
    const delivered = tokens.length === 9 ? 4 : 6;
    const [attempt, sequence] = [Number(tokens[delivered]), Number(tokens[delivered + 1])];
    const consumer = tokens[delivered - 1] ?? '';
    if (!Number.isSafeInteger(attempt) || !Number.isSafeInteger(sequence)) return undefined;
    return new Lease(connection, message, reply, { attempt, sequence, consumer });
  }

  /** The job is done with. */
  acknowledge(): void {
    this.#connection.publish(this.#reply, '+ACK');
  }

  /** Holds the job for another ack wait. */
  renew(): void {
    this.#connection.publish(this.#reply, '+WPI');
  }

  /** Gives the job back to the queue. @param delayMs before it is handed out again, in milliseconds */
  giveBack(delayMs = 0): void {
    this.#connection.publish(this.#reply, delayMs > 0 ? `-NAK {"delay":${delayMs * NANOS_PER_MS}}` : '-NAK');
  }

  /** The job can't be done by anybody: the queue drops it. */
  refuse(reason: string): void {
    this.#connection.publish(this.#reply, `+TERM ${reason}`);
  }
}
