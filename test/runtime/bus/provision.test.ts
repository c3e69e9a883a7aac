import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectBus } from '../../../src/runtime/bus/connect.ts';
import { provision } from '../../../src/runtime/bus/provision.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { startTestBus, type TestBus } from '../../support/bus-server.ts';

let bus: TestBus;
let connection: NatsConnection;
let manager: JetStreamManager;

beforeEach(async () => {
  bus = await startTestBus();
  connection = await connectBus({ url: bus.url, name: 'test' });
  manager = await jetstreamManager(connection);
});

afterEach(async () => {
  await connection.close();
  await bus.stop();
});

const metadataOf = async (stream: string) => (await manager.streams.info(stream)).config.metadata ?? {};

function addOlder(metadata: Record<string, string>) {
  return manager.streams.add({
    name: STREAMS.jobs,
    subjects: ['aipg.job.>'],
    retention: 'workqueue',
    max_msg_size: 1_000,
    metadata,
  });
}

describe('a bus', () => {
  test('whose streams have older settings is brought up to date, and keeps its jobs', async () => {
    await addOlder({ aipg_protocol: String(PROTOCOL_VERSION), aipg_settings: '0' });
    connection.publish('aipg.job.x', 'a job');
    await provision(connection);
    const { config, state } = await manager.streams.info(STREAMS.jobs);
    expect(config.max_msg_size).toBeGreaterThan(250_000);
    expect(state.messages).toBe(1);
  });

  test('of a newer release’s settings is left as it is', async () => {
    await addOlder({ aipg_protocol: String(PROTOCOL_VERSION), aipg_settings: '99' });
    await provision(connection);
    expect((await manager.streams.info(STREAMS.jobs)).config.max_msg_size).toBe(1_000);
    expect(await metadataOf(STREAMS.jobs)).toMatchObject({ aipg_settings: '99' });
  });

  test('of an older protocol is taken over once no job waits there', async () => {
    await addOlder({ aipg_protocol: String(PROTOCOL_VERSION - 1) });
    connection.publish('aipg.job.x', 'a job');
    await expect(provision(connection)).rejects.toMatchObject({
      code: 'protocol-mismatch',
      hint: expect.stringContaining('older release'),
    });
    await manager.streams.purge(STREAMS.jobs);
    await provision(connection);
    expect(await metadataOf(STREAMS.jobs)).toMatchObject({ aipg_protocol: String(PROTOCOL_VERSION) });
  });

  test('of a newer protocol is refused', async () => {
    await addOlder({ aipg_protocol: String(PROTOCOL_VERSION + 1) });
    await expect(provision(connection)).rejects.toMatchObject({ code: 'protocol-mismatch' });
  });
});
