import { type Msg, type NatsConnection, nuid, RequestError } from '@nats-io/transport-node';
import { subjects } from '../protocol/subjects.ts';

/** How long a process may take to answer; one that takes longer is there, but busy or suspended. In milliseconds. */
const ANSWER_MS = 2_000;

/** Whether a process listens on a subject: the bus says at once when nobody does. */
export async function isThere(connection: NatsConnection, subject: string): Promise<boolean> {
  try {
    await askOn(connection, subject, '');
    return true;
  } catch (error) {
    return !(error instanceof RequestError && error.isNoResponders());
  }
}

/** What a process answers on a subject; `undefined` when it is not there, or does not answer in time. */
export async function askThere(
  connection: NatsConnection,
  subject: string,
  question: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    return (await askOn(connection, subject, question)).data;
  } catch {
    return undefined;
  }
}

/** The answer comes where any member may say that it is there. */
function askOn(connection: NatsConnection, subject: string, question: string | Uint8Array): Promise<Msg> {
  const reply = subjects.here(nuid.next());
  return connection.request(subject, question, { timeout: ANSWER_MS, noMux: true, reply });
}
