import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { loadCredentials } from '../../src/runtime/config/credentials.ts';

/** A role's connection. @param keyFile of its member, for a bus that asks for one */
export function connectRole(url: string, name: string, keyFile: string | undefined): Promise<NatsConnection> {
  const credentials = keyFile ? loadCredentials(keyFile) : undefined;
  return connectBus({ url, name, credentials });
}
