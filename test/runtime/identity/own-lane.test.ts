import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { FAULT_VARIABLE } from '../../../src/runtime/bus/fault-point.ts';
import { CREDENTIALS_VARIABLE } from '../../../src/runtime/config/credentials.ts';
import { Director } from '../../../src/runtime/director/director.ts';
import { encode } from '../../../src/runtime/protocol/codec.ts';
import { formatCredentials } from '../../../src/runtime/protocol/credentials.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { RIGHTS, type Right, type Role } from '../../../src/runtime/protocol/permissions.ts';
import { REAPER, STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { GatedEngine } from '../../support/gated-engine.ts';
import { textJob } from '../../support/grid.ts';
import type { OpenGrid } from '../../support/open-grid.ts';
import { doneBy, startOwnersGrid as startGrid } from '../../support/owners-grid.ts';
import { QUICK } from '../../support/quick-times.ts';

const DIRECTOR = fileURLToPath(new URL('../../support/fault-director.ts', import.meta.url));

const OTHER = modelNameSchema.parse('org/other');

describe("a worker's owner", () => {
  test('is served before everybody who waits, by tier, and then all others are, too', async () => {
    await using grid = await startGrid(1);
    const { engine, alice, carol, begun } = grid;
    const jobs = [await alice('first')];
    await begun('first');
    for (const prompt of ['a', 'b', 'c']) jobs.push(await alice(prompt, 'priority'));
    jobs.push(await carol('own bulk', 'bulk'), await carol('own', 'standard'), await carol('own later'));
    engine.open();
    for (const job of jobs) expect(await job.result()).toMatchObject(doneBy(grid.worker));
    expect(engine.begun).toEqual(['first', 'own', 'own later', 'own bulk', 'a', 'b', 'c']);
  });

  test('is told its place among its own jobs alone', async () => {
    await using grid = await startGrid(1);
    await grid.carol('first');
    await grid.begun('first');
    for (const prompt of ['a', 'b', 'c']) await grid.alice(prompt);
    const own = await grid.carol('own');
    await expect.poll(async () => (await own.view()).place, { timeout: 5_000 }).toBe(1);
  });
});

describe('an account without a worker, or with one of another model', () => {
  test("waits with everybody, and its jobs are done by strangers' workers", async () => {
    await using grid = await startGrid(1);
    const { model } = grid.engine;
    await grid.grid.worker({ ...model, facts: { ...model.facts, name: OTHER } }, 'alice');
    const job = await grid.alice('a');
    await grid.begun('a');
    expect(await grid.own()).toBe(0);
    grid.engine.open();
    expect(await job.result()).toMatchObject(doneBy(grid.worker));
  });
});

describe("a job that waits for its account's own workers", () => {
  test('goes to another when these drain, with all that they give back', async () => {
    await using grid = await startGrid(1);
    const begun = await grid.carol('begun');
    await grid.begun('begun');
    const waiting = await grid.carol('waiting');
    expect(await grid.own()).toBe(2);
    const other = new GatedEngine(1);
    other.open();
    const dave = await grid.grid.worker(other.model, 'dave');
    await grid.worker.drain({ timeoutMs: 200 });
    for (const job of [begun, waiting]) expect(await job.result()).toMatchObject(doneBy(dave));
    expect(await grid.own()).toBe(0);
  });

  test('goes to another when these are gone without a word', { timeout: 60_000 }, async () => {
    await using grid = await startGrid(1);
    const begun = await grid.carol('begun');
    await grid.begun('begun');
    const waiting = await grid.carol('waiting');
    const other = new GatedEngine(1);
    other.open();
    const dave = await grid.grid.worker(other.model, 'dave');
    await grid.grid.connectionOf(grid.worker).close();
    for (const job of [begun, waiting]) expect(await job.result()).toMatchObject(doneBy(dave));
    expect(await grid.own()).toBe(0);
  });

  test('goes to another that is free when these are busy for long, and not to one that is not', {
    timeout: 60_000,
  }, async () => {
    await using grid = await startGrid(1);
    await grid.carol('long');
    await grid.begun('long');
    const other = new GatedEngine(1);
    const dave = await grid.grid.worker(other.model, 'dave');
    const [first, second] = [await grid.carol('first'), await grid.carol('second')];
    await grid.begun('first', other);
    expect(await grid.own()).toBe(2);
    expect(grid.grid.director.moved).toBe(1);
    other.end('first');
    expect(await first.result()).toMatchObject(doneBy(dave));
    other.open();
    expect(await second.result()).toMatchObject(doneBy(dave));
    grid.engine.open();
  });

  test('goes on elsewhere when its worker hangs, sooner than that is silent for long', {
    timeout: 12_000,
  }, async () => {
    await using grid = await startGrid(1);
    grid.engine.open();
    const { connection, credentials } = await grid.grid.raw('worker', 'erin');
    const { account, key, worker } = credentials;
    const subject = `aipg.own.${account}.${worker}`;
    const model = { protocol: PROTOCOL_VERSION, kind: 'text', model: grid.engine.model.facts.name };
    await connection.request(`${subject}.provision`, encode(model));
    connection.publish(
      `${subject}.state`,
      encode({ ...model, models: [grid.engine.model.facts.name], state: 'serving' }),
    );
    const job = Promise.withResolvers<string>();
    connection.subscribe(`_INBOX.${key}.next`, {
      callback: (_, { reply: lease = '', data }) => {
        const { id } = JSON.parse(Buffer.from(data).toString()) as { id: string };
        const leased = { type: 'leased', attempt: 1, worker, lease };
        connection.publish(`aipg.evt.${account}.${id}`, encode(leased));
        job.resolve(id);
      },
    });
    // It is there, and answers nothing.
    connection.subscribe(`aipg.ctl.worker.${worker}`, { callback: () => undefined });
    const next = { ...model, tier: 'standard', expiresMs: 10_000 };
    connection.publish(`${subject}.next`, encode(next), { reply: `_INBOX.${key}.next` });
    await connection.flush();

    const erin = await grid.grid.client('erin');
    const handle = await erin.submit(textJob('stuck'));
    expect(await job.promise).toBe(handle.id);
    expect(await handle.result()).toMatchObject(doneBy(grid.worker));
  });

  test('is cancelled like any other', async () => {
    await using grid = await startGrid(1);
    await grid.carol('long');
    await grid.begun('long');
    const job = await grid.carol('unwanted');
    await job.cancel('enough');
    expect(await job.result()).toMatchObject({ status: 'cancelled' });
    await expect.poll(grid.own).toBe(1);
  });
});

describe('a key that was made before there was the right to it', () => {
  /** Makes keys of this role as an older release did. */
  function olderKeys(role: Role): Disposable {
    const rights = RIGHTS[role] as Right[];
    const all = [...rights];
    rights.splice(0, all.length, ...all.filter(({ subject }) => !subject.startsWith('aipg.own.')));
    return { [Symbol.dispose]: () => void rights.splice(0, rights.length, ...all) };
  }

  test.each(['worker', 'director'] as const)('of a %s: its grid serves everybody alike', async (role) => {
    using _ = olderKeys(role);
    await using grid = await startGrid(1);
    grid.engine.open();
    const job = await grid.carol('a');
    expect(await job.result()).toMatchObject(doneBy(grid.worker));
    const { manager } = await grid.grid.store();
    for await (const { name } of manager.consumers.list(STREAMS.jobs)) expect(name).not.toContain('own');
  });
});

describe('a director that is killed', () => {
  /** One in a process of its own, which kills itself at the fault point. */
  async function faultDirector(grid: OpenGrid, faultPoint: string): Promise<ChildProcess> {
    const credentials = await grid.authority.mint('director');
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', DIRECTOR, grid.server.url],
      {
        env: {
          ...process.env,
          [FAULT_VARIABLE]: faultPoint,
          [CREDENTIALS_VARIABLE]: formatCredentials(credentials),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(createInterface({ input: child.stdout }), 'line');
    return child;
  }

  test.each(['after-queue', 'after-own-removal', 'after-accept'])(
    "%s loses no job that waits for its account's own workers",
    { timeout: 90_000 },
    async (faultPoint) => {
      await using grid = await startGrid(1, { credits: true });
      const connection = await grid.grid.connect(await grid.grid.authority.mint('director'));
      const child = await faultDirector(grid.grid, faultPoint);
      await using stack = new AsyncDisposableStack();
      stack.defer(() => void child.kill('SIGKILL'));
      const killed = once(child, 'exit');
      await grid.grid.director[Symbol.asyncDispose]();
      const store = await grid.grid.store();
      // The worker's next word, which the director in the other process hears, too.
      await nextMessage(store.connection, 'aipg.own.*.*.state');
      const begun = grid.carol('begun');
      if (faultPoint === 'after-own-removal') {
        await grid.begun('begun');
        const other = new GatedEngine(1);
        other.open();
        await grid.grid.worker(other.model, 'dave');
        await grid.worker.drain({ timeoutMs: 200 });
      }
      expect((await killed)[1]).toBe('SIGKILL');
      // Else another director looks after what the killed one had at hand after a minute and a half.
      await store.manager.consumers.delete(STREAMS.accepted, REAPER);
      stack.use(
        await Director.start({ connection, version: '0.0.0', log: silentLog, credits: true, ...QUICK }),
      );
      grid.engine.open();
      expect(await (await begun).result()).toMatchObject({ status: 'done' });
    },
  );
});

describe('a worker', () => {
  const next = {
    protocol: PROTOCOL_VERSION,
    kind: 'text',
    tier: 'standard',
    model: 'instant',
    expiresMs: 5_000,
  };

  test("cannot ask for another account's own jobs, nor say that it does them", async () => {
    await using grid = await startGrid(1);
    const mallory = await grid.grid.raw('worker', 'mallory');
    const { worker, key, account } = mallory.credentials;
    const carol = await grid.grid.account('carol');
    const tried = [
      `aipg.own.${carol}.${worker}.next`,
      `aipg.own.${carol}.${grid.worker.id}.next`,
      `aipg.own.${account}.${grid.worker.id}.next`,
      `aipg.own.*.${worker}.next`,
      `aipg.own.${carol}.${worker}.state`,
      `aipg.own.${carol}.${worker}.provision`,
    ];
    for (const subject of tried) {
      mallory.connection.publish(subject, encode(next), { reply: `_INBOX.${key}.x` });
    }
    await mallory.connection.flush();
    await expect.poll(() => tried.filter((each) => !mallory.violations.has(`publish ${each}`))).toEqual([]);
  });

  test('gets no job of its own account at an address that is no inbox', async () => {
    await using grid = await startGrid(1);
    const raw = await grid.grid.raw('worker', 'carol');
    const { manager } = await grid.grid.store();
    const before = (await manager.streams.info(STREAMS.results)).created;
    raw.connection.publish(
      `aipg.own.${raw.credentials.account}.${raw.credentials.worker}.next`,
      encode(next),
      {
        reply: '$JS.API.STREAM.DELETE.AIPG_RESULTS',
      },
    );
    await raw.connection.flush();
    // Whatever came of it came before the answer to this.
    await (await grid.carol('later')).cancel('enough');
    expect((await manager.streams.info(STREAMS.results)).created).toBe(before);
  });

  test('is kept from its own account by the limits of its key as from others', async () => {
    await using grid = await startGrid(1);
    const limits = { models: [OTHER] };
    await expect(grid.grid.worker(grid.engine.model, 'dora', limits)).rejects.toMatchObject({
      code: 'not-permitted',
    });
    const dora = await grid.grid.client('dora');
    await dora.submit(textJob('a'));
    expect(await grid.own()).toBe(0);
  });
});

async function nextMessage(connection: NatsConnection, subject: string): Promise<void> {
  for await (const _ of connection.subscribe(subject, { max: 1 })) return;
}
