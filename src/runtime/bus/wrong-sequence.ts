import { JetStreamApiError } from '@nats-io/jetstream';

/** JetStream's error codes for a message whose expected last sequence is not the last, or is just being written. */
const WRONG_LAST_SEQUENCE: ReadonlySet<number> = new Set([10071, 10164]);

/** Whether a message was refused because another has taken the place that it was meant for. */
export function isWrongSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code);
}
