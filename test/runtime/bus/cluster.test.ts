import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectBus } from '../../../src/runtime/bus/connect.ts';
import { provisionLedger } from '../../../src/runtime/bus/ledger.ts';
import { provision } from '../../../src/runtime/bus/provision.ts';
import { Director } from '../../../src/runtime/director/director.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { createBusGrid } from '../../../src/runtime/grids/bus.ts';
import { LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { identityOf } from '../../../src/runtime/worker/identity.ts';
import { Worker } from '../../../src/runtime/worker/worker.ts';
import { startCluster, type TestCluster } from '../../support/cluster.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel } from '../../support/grid.ts';

let cluster: TestCluster;
let model: LoadedModel;

beforeAll(async () => {
  [cluster, model] = await Promise.all([startCluster(), loadEndlessModel(2)]);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

const join = (name: string) => connectBus({ url: cluster.url, name });

describe('a cluster of three', () => {
  test('is provisioned by ten at once, each stream once with three copies', { timeout: 60_000 }, async () => {
    const connections = await Promise.all(Array.from({ length: 10 }, (_, i) => join(`client ${i}`)));
    try {
      const managers = await Promise.all(connections.map((one) => provision(one, { replicas: 3 })));
      await Promise.all(managers.map((manager) => provisionLedger(manager)));
      const { jobs, accepted, events, results, ledger } = STREAMS;
      for (const name of [jobs, accepted, events, results, ledger]) {
        const info = await managers[0]?.streams.info(name);
        expect(info?.config.num_replicas).toBe(3);
        expect(info?.cluster?.replicas).toHaveLength(2);
      }
      // One that asks for no number leaves it as it is.
      const last = await provision(connections[0] ?? (await join('last')));
      expect((await last.streams.info(STREAMS.jobs)).config.num_replicas).toBe(3);
    } finally {
      await Promise.all(connections.map((one) => one.close()));
    }
  });

  test('goes on when the leader of the queue is killed in the middle of a job', {
    timeout: 90_000,
  }, async () => {
    await using owned = new AsyncDisposableStack();
    const connection = await join('grid');
    owned.defer(() => connection.close());
    owned.use(await Director.start({ connection, version: '0.0.0', log: silentLog, replicas: 3 }));
    const identity = identityOf(connection, 'cluster');
    const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
    owned.defer(() => worker.drain({ timeoutMs: 0 }));
    const client = owned.use(
      createBusGrid({ name: 'cluster', connection: await join('client'), account: LOCAL_ACCOUNT }),
    );
    const undisturbed = await (await client.submit(endlessJob('cluster'))).result();
    const job = await client.submit(endlessJob('cluster'));
    const events = job.events()[Symbol.asyncIterator]();
    const before = await until(events, isChunk);
    const manager = await provision(connection);
    const { cluster: state } = await manager.streams.info(STREAMS.jobs);
    await cluster.kill(state?.leader ?? '');
    const after = await rest(events);
    expect(after.at(-1)).toMatchObject({ type: 'done' });
    expect(undisturbed).toMatchObject({ text: textOf([...before, ...after]) });
    // And takes new jobs with two nodes of three.
    expect((await (await client.submit(endlessJob('7', 50))).result()).status).toBe('done');
  });
});
