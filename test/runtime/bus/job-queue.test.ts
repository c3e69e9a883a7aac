import { jetstream } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { directAccess, JobQueue } from '../../../src/runtime/bus/job-queue.ts';
import type { Lease } from '../../../src/runtime/bus/lease.ts';
import {
  provision,
  provisionOwnQueues,
  provisionQueues,
  type Queue,
} from '../../../src/runtime/bus/provision.ts';
import { LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import type { Lane, Tier } from '../../../src/runtime/protocol/job.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { ownSubjects } from '../../../src/runtime/protocol/own-lane.ts';
import { STREAMS, subjects } from '../../../src/runtime/protocol/subjects.ts';
import { connectedBus } from '../../support/connected-bus.ts';

const { bus, connection } = await connectedBus();
const manager = await provision(connection);
let count = 0;

/** A queue of its own for each test. */
async function newQueue(): Promise<{
  queue: JobQueue;
  queues: readonly Queue[];
  consumer: string;
  put: (text: string, tier?: Tier, lane?: Lane) => Promise<void>;
}> {
  const model = modelNameSchema.parse(`model-${++count}`);
  const queues = await provisionQueues(manager, 'text', model);
  const put = async (text: string, tier: Tier = 'standard', lane: Lane = 'fresh') => {
    await jetstream(connection).publish(subjects.job('text', tier, lane, model, LOCAL_ACCOUNT), text);
  };
  const consumer = `text_standard_fresh_${model}`;
  return { queue: new JobQueue(connection, queues), queues, consumer, put };
}

const text = (lease: Lease | undefined) => Buffer.from(lease?.data ?? []).toString();

describe('a queue of jobs', () => {
  test('hands out one job for each call, in order, as the first attempt', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    const waiting = [queue.next(), queue.next()];
    await put('a');
    await put('b');
    const leases = await Promise.all(waiting);
    expect(leases.map(text)).toEqual(['a', 'b']);
    expect(leases.map((lease) => lease?.attempt)).toEqual([1, 1]);
    for (const lease of leases) lease?.acknowledge();
  });

  test('holds nothing that nobody asked for', async () => {
    const { queue, consumer, put } = await newQueue();
    using _ = queue;
    await put('a');
    await put('b');
    (await queue.next())?.acknowledge();
    await connection.flush();
    const info = await manager.consumers.info(STREAMS.jobs, consumer);
    expect(info).toMatchObject({ num_waiting: 0, num_pending: 1 });
  });

  test('hands a job out again when it was given back, as the next attempt', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    await put('a');
    (await queue.next())?.giveBack();
    const again = await queue.next();
    expect([text(again), again?.attempt]).toEqual(['a', 2]);
    again?.acknowledge();
  });

  test('hands a job out again when its lease was not renewed', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    await put('a');
    const lost = await queue.next();
    const again = await queue.next();
    expect(again?.attempt).toBe(2);
    expect(again?.sequence).toBe(lost?.sequence);
    again?.refuse('enough');
  });

  test('drops a job that was refused or acknowledged', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    const before = (await manager.streams.info(STREAMS.jobs)).state.messages;
    await put('a');
    await put('b');
    (await queue.next())?.refuse('malformed');
    (await queue.next())?.acknowledge();
    // Answered behind the two on the same connection, so it tells of the state after them.
    await expect.poll(async () => (await manager.streams.info(STREAMS.jobs)).state.messages).toBe(before);
  });

  test('ends every wait when it is closed', async () => {
    const { queue } = await newQueue();
    const waiting = [queue.next(), queue.next()];
    queue.close();
    expect(await Promise.all([...waiting, queue.next()])).toEqual([undefined, undefined, undefined]);
  });

  test('ignores what was not handed out by JetStream', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    const waiting = queue.next();
    connection.publish('aipg.job.text.standard.fresh.nobody.local', 'x', { reply: '$JS.ACK.forged' });
    await put('real');
    const lease = await waiting;
    expect(text(lease)).toBe('real');
    lease?.acknowledge();
  });

  test('goes on waiting through a restart of the bus', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    const waiting = queue.next();
    const reconnected = (async () => {
      for await (const { type } of connection.status()) if (type === 'reconnect') return;
    })();
    process.kill(bus.server.pid ?? 0, 'SIGKILL');
    await reconnected;
    await put('after');
    const lease = await waiting;
    expect(text(lease)).toBe('after');
    lease?.acknowledge();
  });

  test('leaves no request at the bus once nobody waits, so nothing is handed to who has no slot', async () => {
    const { queue, queues, put } = await newQueue();
    using _ = queue;
    const waiting = queue.next();
    await put('a');
    (await waiting)?.acknowledge();
    const requests = async () => {
      const infos = await Promise.all(
        queues.map((one) => manager.consumers.info(STREAMS.jobs, one.consumer)),
      );
      return infos.reduce((sum, { num_waiting }) => sum + num_waiting, 0);
    };
    await expect.poll(requests).toBe(0);
    await put('b');
    const next = await queue.next();
    expect([text(next), next?.attempt]).toEqual(['b', 1]);
    next?.acknowledge();
  });

  test('hands out jobs of its own account before all others, whatever their tier', async () => {
    const { queues, put } = await newQueue();
    const model = modelNameSchema.parse(`model-${count}`);
    const own = await provisionOwnQueues(manager, 'text', model, LOCAL_ACCOUNT);
    using queue = new JobQueue(connection, [...queues, ...own]);
    const putOwn = async (text: string, tier: Tier) => {
      await jetstream(connection).publish(ownSubjects.job('text', tier, model, LOCAL_ACCOUNT), text);
    };
    for (let n = 0; n < 4; n++) await put('priority', 'priority');
    for (let n = 0; n < 2; n++) await putOwn('own bulk', 'bulk');
    await putOwn('own', 'standard');
    const served: string[] = [];
    while (served.length < 7) {
      const lease = await queue.next();
      served.push(text(lease));
      lease?.acknowledge();
    }
    expect(served).toEqual(['own', 'own bulk', 'own bulk', ...Array(4).fill('priority')]);
  });

  test('is not kept from the jobs of all by an own queue that is not there', async () => {
    const { queues, put } = await newQueue();
    const gone = { tier: 'standard', lane: 'own', consumer: 'not_there' } as const;
    using queue = new JobQueue(connection, [...queues, gone]);
    await put('a');
    await put('b');
    for (const expected of ['a', 'b']) {
      const lease = await queue.next();
      expect(text(lease)).toBe(expected);
      lease?.acknowledge();
    }
  });

  test('asks again when a request is lost on its way, while others get answers', {
    timeout: 15_000,
  }, async () => {
    const { queues, put } = await newQueue();
    const direct = directAccess(connection);
    let asked = 0;
    using queue = new JobQueue(connection, queues, {
      ...direct,
      requestNext: (...request) => void (asked++ > 0 && direct.requestNext(...request)),
    });
    await put('a');
    await put('b');
    const take = async () => {
      const lease = await queue.next();
      lease?.acknowledge();
      return text(lease);
    };
    expect(await Promise.all([take(), take()])).toEqual(['a', 'b']);
  });

  test('serves tiers and lanes by weight, and none is left to wait', async () => {
    const { queue, put } = await newQueue();
    using _ = queue;
    const tiers = ['bulk', 'standard', 'priority'] as const;
    for (let n = 0; n < 40; n++) for (const tier of tiers) await put(tier, tier);
    for (let n = 0; n < 40; n++) await put('backlog', 'priority', 'backlog');
    const served: string[] = [];
    while (served.length < 42) {
      const lease = await queue.next();
      served.push(text(lease));
      lease?.acknowledge();
    }
    const count = (name: string) => served.filter((one) => one === name).length;
    // 64 : 16 : 4 of the fresh lanes, and 16 of the backlog of the first tier.
    expect(count('priority')).toBeGreaterThan(24);
    expect(count('backlog')).toBeGreaterThan(4);
    expect(count('standard')).toBeGreaterThan(4);
    expect(count('bulk')).toBeGreaterThan(0);
    expect(count('bulk')).toBeLessThan(count('standard'));
  });
});
