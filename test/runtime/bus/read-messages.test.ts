import { kill } from 'node:process';
import { beforeAll, expect, test, vi } from 'vitest';
import { provision } from '../../../src/runtime/bus/provision.ts';
import { type Kept, readMessages } from '../../../src/runtime/bus/read-messages.ts';
import { LOCAL_ACCOUNT, newJobId } from '../../../src/runtime/protocol/ids.ts';
import { patterns, STREAMS, subjects } from '../../../src/runtime/protocol/subjects.ts';
import { connectedBus } from '../../support/connected-bus.ts';

/** More than are read by one request. */
const MESSAGES = 1_300;

const { bus, connection } = await connectedBus('reader');

beforeAll(async () => {
  const jetstream = (await provision(connection)).jetstream();
  await Promise.all(
    Array.from({ length: MESSAGES }, (_, index) =>
      jetstream.publish(subjects.result(LOCAL_ACCOUNT, newJobId()), String(index)),
    ),
  );
});

const results = () => readMessages(connection, STREAMS.results, { subject: patterns.results });

async function sequences(messages: AsyncIterable<Kept>): Promise<number[]> {
  const read: number[] = [];
  for await (const { sequence } of messages) read.push(sequence);
  return read;
}

const all = Array.from({ length: MESSAGES }, (_, index) => index + 1);

test('a stream is read whole, the oldest message first', async () => {
  expect(await sequences(results())).toEqual(all);
});

test('a bus that is killed in the middle is waited for, and no message is left out or read twice', async () => {
  const reader = results();
  const first = await reader.next();
  if (first.done) throw new Error('Nothing was read.');
  kill(bus.server.pid ?? 0, 'SIGKILL');
  expect([first.value.sequence, ...(await sequences(reader))]).toEqual(all);
});

test('a bus that hangs is asked again once it goes on', async () => {
  const { pid = 0 } = bus.server;
  kill(pid, 'SIGSTOP');
  const publish = vi.spyOn(connection, 'publish');
  const read = sequences(results());
  await vi.waitFor(() => expect(publish).toHaveBeenCalledTimes(2), { timeout: 30_000 });
  kill(pid, 'SIGCONT');
  expect(await read).toEqual(all);
});
