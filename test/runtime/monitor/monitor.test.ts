import { EventEmitter, once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { GridSnapshot } from '../../../src/runtime/monitor/grid-snapshot.ts';
import { snapshotJson } from '../../../src/runtime/monitor/json.ts';
import { Monitor } from '../../../src/runtime/monitor/monitor.ts';
import { TestGrid, textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';

/** A monitor, and a wait for what its picture shows. */
async function watch(grid: TestGrid) {
  const changes = new EventEmitter();
  const monitor = await Monitor.open({
    connection: await grid.connect('monitor'),
    onChange: () => changes.emit('change'),
  });
  const until = async (shown: (snapshot: GridSnapshot) => boolean) => {
    while (!shown(monitor.snapshot)) await once(changes, 'change');
    return monitor.snapshot;
  };
  return { until, [Symbol.asyncDispose]: () => monitor[Symbol.asyncDispose]() };
}

describe('a monitor', () => {
  test('sees workers come and go, jobs from their acceptance to their end, and no word of them', async () => {
    await using grid = await TestGrid.start();
    await using monitor = await watch(grid);
    const worker = await grid.worker(instantEngine({ slots: 2 }));
    await monitor.until(({ workers }) => workers.get(worker.id)?.state === 'serving');
    const client = await grid.client();
    const job = await client.submit(textJob('a secret of mine'));
    await job.result();
    const snapshot = await monitor.until(({ jobs }) => jobs.get(job.id)?.status === 'done');
    expect(snapshot.jobs.get(job.id)).toMatchObject({
      account: 'local',
      model: 'instant',
      tier: 'standard',
      worker: worker.id,
      attempt: 1,
      tokens: 1,
    });
    expect(snapshot.connection).toMatchObject({ state: 'live', directors: 1 });
    expect(JSON.stringify(snapshotJson(snapshot))).not.toContain('secret');
    await worker.drain();
    await monitor.until(({ workers }) => workers.get(worker.id)?.state === 'gone');
  });

  test('that comes later knows what waits and what runs', async () => {
    await using grid = await TestGrid.start();
    const hold = Promise.withResolvers<void>();
    const worker = await grid.worker(instantEngine({ slots: 1, before: () => hold.promise }));
    const client = await grid.client();
    const [running, waiting] = [await client.submit(textJob('one')), await client.submit(textJob('two'))];
    const events = running.events();
    for await (const { type } of events) if (type === 'leased') break;
    {
      await using monitor = await watch(grid);
      const { jobs, totals } = await monitor.until(({ totals: { waiting: depth } }) => depth === 1);
      expect(jobs.get(running.id)).toMatchObject({ status: 'running', worker: worker.id });
      expect(jobs.get(waiting.id)).toMatchObject({ status: 'waiting', model: 'instant' });
      expect(totals).toMatchObject({ running: 1, waiting: 1 });
      hold.resolve();
      await monitor.until((snapshot) => snapshot.totals.done === 2 && snapshot.totals.waiting === 0);
    }
  });

  test('keeps the last picture while the bus is away, and goes on when it is back', async () => {
    await using grid = await TestGrid.start();
    const worker = await grid.worker(instantEngine({ slots: 1 }));
    await using monitor = await watch(grid);
    process.kill(grid.bus.server.pid as number, 'SIGKILL');
    const lost = await monitor.until(({ connection }) => connection.state === 'lost');
    expect(lost.workers.get(worker.id)?.state).toBe('serving');
    await monitor.until(({ connection }) => connection.state === 'live');
    const client = await grid.client();
    const job = await client.submit(textJob('x'));
    await monitor.until(({ jobs }) => jobs.get(job.id)?.status === 'done');
  });
});
