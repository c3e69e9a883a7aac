import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll } from 'vitest';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { startTestBus, type TestBus } from './bus-server.ts';

/** A bus for a whole test file and a connection to it; both end with the file. */
export async function connectedBus(
  name = 'test',
): Promise<{ readonly bus: TestBus; readonly connection: NatsConnection }> {
  const bus = await startTestBus();
  const connection = await connectBus({ url: bus.url, name });
  afterAll(async () => {
    await connection.close();
    await bus.stop();
  });
  return { bus, connection };
}
