import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobSpec } from '../../../src/runtime/protocol/job.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { REAPER, SETTLER, STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { TestGrid, textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';
import { entriesOf, readLedger } from '../../support/ledger.ts';

// A bus that comes back without a consumer, which the client library's own would look for for ever.

let grid: TestGrid;

beforeAll(async () => {
  grid = await TestGrid.start({
    credits: true,
    reaperTimes: { firstLookMs: 300, clientGraceMs: 60_000 },
    sweepTimes: { everyMs: 3_600_000, minAgeMs: 3_600_000 },
  });
});
afterAll(() => grid[Symbol.asyncDispose]());

async function restartWithout(stream: string, consumer: string): Promise<void> {
  const connection = await grid.connect('watcher');
  const { manager } = await grid.store();
  const back = (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') return;
  })();
  await manager.consumers.delete(stream, consumer);
  process.kill(grid.bus.server.pid ?? 0, 'SIGKILL');
  await back;
}

test('a director settles what ends after the bus was restarted', async () => {
  const worker = await grid.worker(instantEngine({ slots: 1 }));
  const client = await grid.client();
  await restartWithout(STREAMS.results, SETTLER);
  const { manager } = await grid.store();
  // The one that looks after jobs settles them, too.
  await manager.consumers.pause(STREAMS.accepted, REAPER, new Date(Date.now() + 3_600_000));
  const job = textJob('after');
  expect(await (await client.submit(job)).result()).toMatchObject({ status: 'done' });
  await expect
    .poll(async () => entriesOf(await readLedger(await grid.connect('observer')), job.id), {
      timeout: 15_000,
    })
    .toEqual(['reserve', 'settle']);
  await manager.consumers.resume(STREAMS.accepted, REAPER);
  await worker.drain();
});

test('a director looks after what is accepted after the bus was restarted', async () => {
  const client = await grid.client();
  await restartWithout(STREAMS.accepted, REAPER);
  const nobody = modelNameSchema.parse('nobody');
  const late: JobSpec = { ...textJob('late'), model: nobody, limits: { timeoutMs: 1_000 } };
  const job = await client.submit(late, { wait: true });
  expect(await job.result()).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
  await expect.poll(() => grid.director.reaped.expired).toBe(1);
});
