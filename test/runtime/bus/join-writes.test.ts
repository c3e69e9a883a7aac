import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { connectedBus } from '../../support/connected-bus.ts';

const { connection } = await connectedBus('writer');

async function publishAfter(promises: number, subject: string): Promise<void> {
  for (let n = 0; n < promises; n++) await undefined;
  connection.publish(subject);
}

test('what is published in one turn of the event loop goes out in one write', async () => {
  const write = vi.spyOn(Socket.prototype, 'write');
  const heard: string[] = [];
  const subscription = connection.subscribe('joined.*', {
    callback: (_, { subject }) => void heard.push(subject),
  });
  await turn();
  expect(write).toHaveBeenCalledTimes(1);

  await Promise.all([0, 1, 5, 20].map((promises) => publishAfter(promises, `joined.${promises}`)));
  await turn();
  expect(write).toHaveBeenCalledTimes(2);

  await connection.flush();
  expect(heard).toEqual(['joined.0', 'joined.1', 'joined.5', 'joined.20']);
  subscription.unsubscribe();
  write.mockRestore();
});

test('requests are answered, also after the bus was away', async () => {
  connection.subscribe('echo', { callback: (_, message) => void message.respond(message.data) });
  const ask = async () => (await connection.request('echo', 'hello')).string();
  expect(await ask()).toBe('hello');

  const back = (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') return;
  })();
  await connection.reconnect();
  await back;
  expect(await ask()).toBe('hello');
});
