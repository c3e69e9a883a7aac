import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { connectBus } from '../../../src/runtime/bus/connect.ts';
import { FAULT_VARIABLE } from '../../../src/runtime/bus/fault-point.ts';
import { openLedger } from '../../../src/runtime/bus/ledger.ts';
import { Director } from '../../../src/runtime/director/director.ts';
import { createBusGrid } from '../../../src/runtime/grids/bus.ts';
import { encode } from '../../../src/runtime/protocol/codec.ts';
import { type Credentials, formatCredentials } from '../../../src/runtime/protocol/credentials.ts';
import { accountSchema } from '../../../src/runtime/protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { subjects } from '../../../src/runtime/protocol/subjects.ts';
import { identityOf } from '../../../src/runtime/worker/identity.ts';
import { Worker } from '../../../src/runtime/worker/worker.ts';
import { startTestBus } from '../../support/bus-server.ts';
import { until } from '../../support/events.ts';
import { textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';
import { entriesOf, readLedger, sumOf } from '../../support/ledger.ts';
import { OpenGrid } from '../../support/open-grid.ts';
import { pausingEngine, wordOf } from '../../support/pausing-engine.ts';
import { QUICK } from '../../support/quick-times.ts';
import { erin, issue } from '../ledger/support.ts';

const DIRECTOR = fileURLToPath(new URL('../../support/fault-director.ts', import.meta.url));
const JOBS = 12;
const alice = accountSchema.parse('alice');

/** A director in a process of its own; resolves when it admits jobs. */
async function startDirector(url: string, faultPoint: string, key?: Credentials): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', DIRECTOR, url], {
    env: {
      ...process.env,
      [FAULT_VARIABLE]: faultPoint,
      ...(key && { AIPG_CREDENTIALS: formatCredentials(key) }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  return child;
}

/** One that nobody kills. */
async function healthyDirector(
  stack: AsyncDisposableStack,
  url: string,
  times: Partial<typeof QUICK> = QUICK,
) {
  const connection = await connectBus({ url, name: 'director' });
  stack.defer(() => connection.close());
  return stack.use(
    await Director.start({ connection, version: '0.0.0', log: silentLog, credits: true, ...times }),
  );
}

/** A bus with a worker that answers at once, and a director that kills itself at a fault point. */
async function startGrid(faultPoint: string) {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await startTestBus());
  const connect = async (name: string) => {
    const connection = await connectBus({ url, name });
    stack.defer(() => connection.close());
    return connection;
  };
  const child = await startDirector(url, faultPoint);
  stack.defer(() => void child.kill('SIGKILL'));
  const killed = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals);
  const connection = await connect('worker');
  const identity = { ...identityOf(connection, 'box'), payTo: accountSchema.parse('bob') };
  const model = instantEngine({ slots: 4 });
  const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log: silentLog });
  stack.defer(() => worker.drain({ timeoutMs: 0 }));
  return { url, stack, connect, killed, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** So that each director waits for the ledger's answer before it queues a job. */
async function appendAsAnother(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  await using ledger = await openLedger({ connection, manager }, { log: silentLog });
  await ledger.append(() => [issue(erin, 1_000)]);
}

describe('a director that is killed', () => {
  test.each([
    ['before-queue', 'alone'],
    ['before-queue', 'one of several'],
    ['after-queue', 'alone'],
    ['after-queue', 'one of several'],
    ['after-accept', 'alone'],
    ['before-settle', 'alone'],
    ['after-settle', 'alone'],
  ])('%s loses no credits and makes none: %s', { timeout: 60_000 }, async (faultPoint, company) => {
    await using grid = await startGrid(`${faultPoint}:${JOBS / 2}`);
    if (company !== 'alone') await appendAsAnother(await grid.connect('another'));
    const client = createBusGrid({
      name: 'test',
      connection: await grid.connect('client'),
      account: alice,
    });
    const jobs = Array.from({ length: JOBS }, (_, place) => textJob(`job ${place}`));
    const ends = jobs.map(async (job) => (await client.submit(job)).result());
    expect(await grid.killed).toBe('SIGKILL');
    const { reaperTimes } = QUICK;
    const next = await healthyDirector(grid.stack, grid.url, { reaperTimes });
    expect((await Promise.all(ends)).map(({ status }) => status)).toEqual(jobs.map(() => 'done'));
    const observer = await grid.connect('observer');
    await expect
      .poll(async () => [...(await readLedger(observer)).state.reservations()].length, { timeout: 30_000 })
      .toBe(0);
    const ledger = await readLedger(observer);
    for (const { id } of jobs) expect(entriesOf(ledger, id)).toEqual(['reserve', 'settle']);
    expect(sumOf(ledger)).toBe(0);
    // Settled at the same time, all are in one message: then nothing is left for the next.
    if (faultPoint !== 'after-settle') expect(next.settled.settled).toBeGreaterThan(0);
    expect(ledger.state.balance(accountSchema.parse('bob')).available).toBeGreaterThan(0);
  });

  test('before it queued a job that nobody submits again: what it held is given back, once', {
    timeout: 60_000,
  }, async () => {
    await using grid = await startGrid('before-queue');
    const connection = await grid.connect('client');
    await appendAsAnother(connection);
    const job = textJob('gone');
    connection.publish(
      subjects.request(alice, 'submit'),
      encode({ protocol: PROTOCOL_VERSION, job, wait: false }),
      { reply: '_INBOX.nobody' },
    );
    await grid.killed;
    // The one that finds it is killed before the refund, the one after it is not.
    const second = await startDirector(grid.url, 'after-sweep');
    expect((await once(second, 'exit'))[1]).toBe('SIGKILL');
    const before = await readLedger(connection);
    expect(entriesOf(before, job.id)).toEqual(['reserve']);
    await healthyDirector(grid.stack, grid.url);
    await expect
      .poll(async () => entriesOf(await readLedger(connection), job.id), { timeout: 30_000 })
      .toEqual(['reserve', 'refund']);
    const client = createBusGrid({ name: 'test', connection, account: alice });
    expect(await client.job(job.id).result()).toMatchObject({ status: 'cancelled' });
    const ledger = await readLedger(connection);
    expect(sumOf(ledger)).toBe(0);
    expect(ledger.state.balance(alice)).toEqual({
      available: ledger.state.policy.policy.allowance,
      reserved: 0,
    });
    // Submitted again, it is not done for nothing.
    const again = await client.submit(job);
    expect(await again.result()).toMatchObject({ status: 'cancelled' });
    expect(entriesOf(await readLedger(connection), job.id)).toEqual(['reserve', 'refund']);
  });

  test.each(['before-part', 'after-part', 'before-settle', 'after-settle'])(
    '%s of jobs that were cancelled has them paid for what was delivered, once',
    { timeout: 60_000 },
    async (faultPoint) => {
      await using grid = await OpenGrid.start({ credits: true });
      await grid.director[Symbol.asyncDispose]();
      const child = await startDirector(
        grid.server.url,
        `${faultPoint}:2`,
        await grid.authority.mint('director'),
      );
      using _ = { [Symbol.dispose]: () => void child.kill('SIGKILL') };
      const killed = once(child, 'exit');
      const worker = await grid.worker(pausingEngine({ slots: JOBS, tokens: 3 }), 'bob');
      const client = await grid.client('alice');
      const jobs = await Promise.all(
        Array.from({ length: JOBS }, async (_, place) => {
          const job = await client.submit(textJob(`job ${place}`));
          const last = wordOf(3);
          await until(
            job.events()[Symbol.asyncIterator](),
            (event) => event.type === 'chunk' && event.text.endsWith(last),
          );
          return job;
        }),
      );
      const cancels = jobs.map((job) => job.cancel('enough'));
      expect((await killed)[1]).toBe('SIGKILL');
      const { connection } = await grid.store();
      const credentials = await grid.authority.mint('director');
      const directing = await grid.connect(credentials);
      await using next = await Director.start({
        ...{ connection: directing, version: '0.0.0', log: silentLog, credits: true },
        reaperTimes: QUICK.reaperTimes,
      });
      await Promise.all(cancels);
      await expect
        .poll(async () => [...(await readLedger(connection)).state.reservations()].length, {
          timeout: 30_000,
        })
        .toBe(0);
      const ledger = await readLedger(connection);
      for (const { id } of jobs) expect(entriesOf(ledger, id)).toEqual(['reserve', 'settle']);
      const settled = ledger.entries.filter((entry) => entry.kind === 'settle');
      expect(settled.map(({ counts }) => counts.outputTokens)).toEqual(jobs.map(() => 3));
      expect(sumOf(ledger)).toBe(0);
      expect(next.settled.refunded).toBe(0);
      await worker.drain();
    },
  );
});
