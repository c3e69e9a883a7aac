import { type NatsConnection, nuid, RequestError } from '@nats-io/transport-node';
import { subjects } from '../protocol/subjects.ts';

/** How long a process may take to answer; one that takes longer is there, but busy or suspended. In milliseconds. */
const ANSWER_MS = 2_000;

/** Whether a process listens on a subject: the bus says at once when nobody does. */
export async function isThere(connection: NatsConnection, subject: string): Promise<boolean> {
  try {
    await connection.request(subject, '', {
      timeout: ANSWER_MS,
      noMux: true,
      reply: subjects.here(nuid.next()),
    });
    return true;
  } catch (error) {
    return !(error instanceof RequestError && error.isNoResponders());
  }
}
