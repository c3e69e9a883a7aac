import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { Ticket } from '../protocol/ids.ts';
import { parseLease } from '../protocol/subjects.ts';
import { ticketOf } from './ticket.ts';

const NANOS_PER_MS = 1_000_000;

/** By what a director knows that a worker was handed a job. */
export interface Proof {
  readonly ticket: Ticket | undefined;
  /** The job's place in the queue's stream. */
  readonly sequence: number;
}

/** Tells the bus something of a lease, in the words of JetStream's acknowledgement protocol. */
export type SayOfLease = (lease: string, word: string) => void;

/**
 * A worker's hold on a job: the queue's message that it has not acknowledged. The replies are those of JetStream's
 * acknowledgement protocol (ADR-15 of NATS).
 */
export class Lease implements Proof {
  readonly data: Uint8Array;
  /** How often the job was handed out, this time included: the attempt's number, which only grows. */
  readonly attempt: number;
  /** The job's place in the queue's stream. */
  readonly sequence: number;
  /** The part of the queue that it came from. */
  readonly consumer: string;
  readonly ticket: Ticket | undefined;
  readonly #connection: NatsConnection;
  readonly #tell: SayOfLease;
  /** The subject by which it is renewed and given back. */
  readonly subject: string;

  private constructor(
    connection: NatsConnection,
    message: Msg,
    reply: string,
    { attempt, sequence, consumer }: { attempt: number; sequence: number; consumer: string },
    say: SayOfLease,
  ) {
    this.#connection = connection;
    this.#tell = say;
    this.subject = reply;
    this.data = message.data;
    this.ticket = ticketOf(message);
    this.attempt = attempt;
    this.sequence = sequence;
    this.consumer = consumer;
  }

  /** `undefined` when the message is not one that JetStream handed out. */
  static of(
    connection: NatsConnection,
    message: Msg,
    say: SayOfLease = (lease, word) => connection.publish(lease, word),
  ): Lease | undefined {
    const { reply } = message;
    if (reply === undefined) return undefined;
    const parsed = parseLease(reply);
    return parsed && new Lease(connection, message, reply, parsed, say);
  }

  /** The job is done with. */
  acknowledge(): void {
    this.#say('+ACK');
  }

  /** Holds the job for another ack wait. */
  renew(): void {
    this.#say('+WPI');
  }

  /** Gives the job back to the queue. @param delayMs before it is handed out again, in milliseconds */
  giveBack(delayMs = 0): void {
    this.#say(delayMs > 0 ? `-NAK {"delay":${delayMs * NANOS_PER_MS}}` : '-NAK');
  }

  /** The job can't be done by anybody: the queue drops it. */
  refuse(reason: string): void {
    this.#say(`+TERM ${reason}`);
  }

  /** On a connection that is closed for good nothing can be said, and the lease runs out by itself. */
  #say(word: string): void {
    if (!this.#connection.isClosed()) this.#tell(this.subject, word);
  }
}
