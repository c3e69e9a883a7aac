import { Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';

/** How long directors have to answer a ping, in milliseconds. */
const PING_MS = 300;

/** A director that answers. */
export interface DirectorInfo {
  readonly id: string;
  readonly version: string;
}

/** All directors that answer a ping, in the order of their ids. */
export async function listDirectors(connection: NatsConnection): Promise<DirectorInfo[]> {
  const directors: DirectorInfo[] = [];
  const client = new Svcm(connection).client({ strategy: 'stall', maxWait: PING_MS });
  for await (const { id, version } of await client.ping('aipg-director')) directors.push({ id, version });
  return directors.sort((a, b) => a.id.localeCompare(b.id));
}
