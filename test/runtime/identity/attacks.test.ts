import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { claimJob, readRecord, readResult } from '../../../src/runtime/bus/record.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { takeSnapshot } from '../../../src/runtime/monitor/snapshot.ts';
import { decode, encode } from '../../../src/runtime/protocol/codec.ts';
import { type Account, type JobId, newJobId, newTicket } from '../../../src/runtime/protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { refusalSchema } from '../../../src/runtime/protocol/refusal.ts';
import { STREAMS } from '../../../src/runtime/protocol/subjects.ts';
import { finishReplySchema } from '../../../src/runtime/protocol/worker-requests.ts';
import { loadTinyModel, STORY, textJob } from '../../support/grid.ts';
import { OpenGrid, type Raw } from '../../support/open-grid.ts';

let grid: OpenGrid;
let model: LoadedModel;
let victim: { account: Account; job: JobId; worker: string };

const protocol = PROTOCOL_VERSION;
/** A ticket that nobody was given. */
const made = { ticket: newTicket(), sequence: 1 };
/** Long enough to be looked after by the director within a test. */
const reaperTimes = { firstLookMs: 100, clientGraceMs: 90_000 };

beforeAll(async () => {
  grid = await OpenGrid.start({ reaperTimes, credits: true });
  model = await loadTinyModel(2);
  const worker = await grid.worker(model, 'carol');
  const alice = await grid.client('alice');
  const job = await alice.submit(textJob(STORY));
  await job.result();
  victim = { account: await grid.account('alice'), job: job.id, worker: worker.id };
  await nothingMoves();
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

/** What only operators may ask. */
const FOR_OPERATORS = ['aipg.adm.issue', 'aipg.adm.policy', 'aipg.adm.price', 'aipg.adm.*'];
/** What would change or read the ledger beside what directors answer. */
const LEDGER = [
  'aipg.led.entries',
  'aipg.led.*',
  '$JS.API.STREAM.INFO.AIPG_LEDGER',
  '$JS.API.STREAM.MSG.GET.AIPG_LEDGER',
  '$JS.API.DIRECT.GET.AIPG_LEDGER',
  '$JS.API.DIRECT.GET.AIPG_LEDGER.aipg.led.entries',
  '$JS.API.CONSUMER.CREATE.AIPG_LEDGER',
];
/** What would lose it. */
const LOSS = [
  '$JS.API.STREAM.DELETE.AIPG_LEDGER',
  '$JS.API.STREAM.PURGE.AIPG_LEDGER',
  '$JS.API.STREAM.MSG.DELETE.AIPG_LEDGER',
];

/** What nobody but directors and the operator may publish to; literal wildcards are subjects like any other. */
const publishes = () => {
  const { account, job, worker } = victim;
  return [
    `aipg.req.${account}.job`,
    `aipg.req.${account}.cancel`,
    'aipg.req.*.job',
    `aipg.res.${account}.${job}`,
    `aipg.job.text.standard.fresh.aipg-tiny.${account}`,
    `aipg.acc.${account}.${job}`,
    `aipg.cli.${account}.x`,
    `aipg.wrk.${worker}.beat`,
    `aipg.wrk.${worker}.finish`,
    'aipg.wrk.*.next',
    `aipg.own.${account}.${worker}.next`,
    `aipg.own.${account}.${worker}.state`,
    'aipg.own.*.*.next',
    `aipg.job.text.standard.own.aipg-tiny.${account}`,
    `aipg.ctl.worker.${worker}`,
    'aipg.ctl.worker.*',
    ...FOR_OPERATORS,
    ...LEDGER,
    `aipg.art.${account}.${job}.${'0'.repeat(64)}.0`,
    `aipg.box.in-req.${account}.${'0'.repeat(64)}.0`,
    `aipg.rate.${'U'.repeat(56)}.1`,
    `$KV.AIPG_WORKERS.${worker}`,
    '$KV.AIPG_WORKERS.*',
    '$O.AIPG_ARTIFACTS.M.x',
    ...LOSS,
    '$JS.API.INFO',
    '$JS.API.STREAM.CREATE.MINE',
    '$JS.API.STREAM.UPDATE.AIPG_EVENTS',
    '$JS.API.STREAM.DELETE.AIPG_RESULTS',
    '$JS.API.STREAM.PURGE.AIPG_RESULTS',
    '$JS.API.STREAM.INFO.AIPG_RESULTS',
    '$JS.API.STREAM.MSG.GET.AIPG_RESULTS',
    '$JS.API.STREAM.MSG.DELETE.AIPG_JOBS',
    '$JS.API.CONSUMER.CREATE.AIPG_EVENTS',
    `$JS.API.CONSUMER.CREATE.AIPG_EVENTS.x.aipg.evt.${account}.*`,
    '$JS.API.CONSUMER.CREATE.AIPG_EVENTS.*.aipg.evt.*.*',
    '$JS.API.CONSUMER.DURABLE.CREATE.AIPG_JOBS.x',
    '$JS.API.CONSUMER.DELETE.AIPG_ACCEPTED.reaper',
    '$JS.API.CONSUMER.MSG.NEXT.AIPG_ACCEPTED.reaper',
    '$JS.API.CONSUMER.MSG.NEXT.AIPG_JOBS.*',
    '$JS.API.DIRECT.GET.AIPG_RESULTS',
    `$JS.API.DIRECT.GET.AIPG_RESULTS.aipg.res.${account}.${job}`,
    '$JS.API.DIRECT.GET.AIPG_RESULTS.aipg.res.*.*',
    '$JS.API.DIRECT.GET.AIPG_EVENTS.aipg.evt.>',
    '$JS.ACK.AIPG_JOBS.x.1.1.1.1.0',
    '$JS.ACK.AIPG_ACCEPTED.reaper.1.1.1.1.0',
    '$SRV.PING.aipg-director',
    '$SYS.REQ.SERVER.PING',
    '_INBOX.x.y',
  ];
};

const subscriptions = () => {
  const { account, job, worker } = victim;
  return [
    `aipg.evt.${account}.${job}`,
    `aipg.evt.${account}.*`,
    'aipg.evt.*.*',
    'aipg.evt.>',
    `aipg.res.${account}.${job}`,
    'aipg.res.>',
    'aipg.req.>',
    'aipg.wrk.>',
    'aipg.own.>',
    `aipg.own.${account}.*.state`,
    `aipg.wrk.${worker}.*`,
    'aipg.job.>',
    'aipg.acc.>',
    `aipg.cli.${account}.*`,
    `aipg.ctl.worker.${worker}`,
    'aipg.ctl.worker.*',
    'aipg.adm.*',
    'aipg.led.entries',
    'aipg.art.>',
    'aipg.box.>',
    'aipg.rate.>',
    'aipg.here.*',
    '_INBOX.>',
    '_INBOX.*.>',
    '$JS.>',
    '$KV.>',
    '$SRV.>',
    '$SYS.>',
    '>',
  ];
};

async function tryAll({ connection }: Raw, publish: readonly string[], subscribe: readonly string[]) {
  for (const subject of publish) connection.publish(subject, '{}');
  for (const subject of subscribe) connection.subscribe(subject, { callback: () => undefined });
  await connection.flush();
}

describe.each(['user', 'worker', 'monitor'] as const)('a %s of another account', (role) => {
  test('is refused whatever is not its own', async () => {
    const attacker = await grid.raw(role, 'mallory');
    const before = await streams();
    await tryAll(attacker, publishes(), subscriptions());
    const wanted = [
      ...publishes().map((subject) => `publish ${subject}`),
      ...subscriptions().map((subject) => `subscription ${subject}`),
    ];
    await expect.poll(() => wanted.filter((each) => !attacker.violations.has(each))).toEqual([]);
    expect(await streams()).toEqual(before);
  });

  test('cannot have what happens to a message told to another', async () => {
    const attacker = await grid.raw(role, 'mallory');
    const traced = headers();
    traced.set('Nats-Trace-Dest', `aipg.ctl.worker.${victim.worker}`);
    const own =
      role === 'worker'
        ? `aipg.wrk.${attacker.credentials.worker}.next`
        : `aipg.req.${attacker.credentials.account}.status`;
    const heard: string[] = [];
    const { connection } = await grid.store();
    connection.subscribe(`aipg.ctl.worker.${victim.worker}`, {
      callback: (_, message) => void heard.push(message.string()),
    });
    await connection.flush();
    attacker.connection.publish(own, '{}', { headers: traced });
    await attacker.connection.flush();
    await connection.flush();
    expect(heard).toEqual([]);
  });
});

describe('a reply subject that is no inbox', () => {
  const dangerous = ['$JS.API.STREAM.DELETE.AIPG_RESULTS', '$JS.API.STREAM.PURGE.AIPG_RESULTS'];

  test('gets no answer of a director', async () => {
    const user = await grid.raw('user', 'mallory');
    const before = await streams();
    const { refused } = grid.director.counts;
    for (const reply of dangerous) {
      user.connection.publish(`aipg.req.${user.credentials.account}.status`, encode({ protocol }), { reply });
    }
    await expect.poll(() => grid.director.counts.refused).toBe(refused + dangerous.length);
    expect(await streams()).toEqual(before);
  });

  test('gets no job, and nothing that JetStream says instead of one', async () => {
    const worker = await grid.raw('worker', 'mallory');
    const before = await streams();
    const next = { kind: 'text', tier: 'bulk', lane: 'backlog', model: 'aipg-tiny', expiresMs: 0, protocol };
    for (const reply of dangerous) {
      worker.connection.publish(`aipg.wrk.${worker.credentials.worker}.next`, encode(next), { reply });
    }
    // The director takes one after the other.
    await ask(worker, 'beat', { heartbeat: null });
    expect(await streams()).toEqual(before);
  });
});

describe('a worker', () => {
  test('cannot speak in the name of another', async () => {
    const worker = await grid.raw('worker', 'mallory');
    const store = await grid.store();
    const { workers } = await takeSnapshot(store.connection);
    const heartbeat = workers.find((each) => each.worker === victim.worker);
    const reply = decode(refusalSchema, await ask(worker, 'beat', { heartbeat }));
    expect(reply).toMatchObject({ ok: true, value: { error: { code: 'job-refused' } } });
  });

  test('cannot have another leave the grid, nor take its place', async () => {
    const worker = await grid.raw('worker', 'mallory');
    const inbox = `_INBOX.${worker.credentials.key}.x`;
    const beat = encode({ protocol, heartbeat: null });
    worker.connection.publish(`aipg.wrk.${victim.worker}.beat`, beat, { reply: inbox });
    worker.connection.subscribe(`aipg.ctl.worker.${victim.worker}`, { callback: () => undefined });
    const wanted = [
      `publish aipg.wrk.${victim.worker}.beat`,
      `subscription aipg.ctl.worker.${victim.worker}`,
    ];
    await expect.poll(() => wanted.filter((each) => !worker.violations.has(each))).toEqual([]);
    const { workers } = await takeSnapshot((await grid.store()).connection);
    expect(workers.map(({ worker: id }) => id)).toContain(victim.worker);
  });

  test('cannot write over a result', async () => {
    const worker = await grid.raw('worker', 'mallory');
    const store = await grid.store();
    const { account, job } = victim;
    const { sequence, record } = await readRecord(store, account, job);
    for (const expected of [0, sequence]) {
      const result = { status: 'cancelled', reason: 'forged' };
      const reply = decode(
        finishReplySchema,
        await ask(worker, 'finish', { account, job, ...made, expected, result }),
      );
      expect(reply).toMatchObject({ ok: true, value: { written: false } });
    }
    expect((await readRecord(store, account, job)).record).toEqual(record);
  });

  test("cannot end a job that is another's, even if it knows the claim", async () => {
    const worker = await grid.raw('worker', 'mallory');
    const store = await grid.store();
    const { account } = victim;
    const job = newJobId();
    const claim = await claimJob(store, account, job, 2, victim.worker as never);
    const expected = claim.outcome === 'claimed' ? claim.sequence : 0;
    const result = { status: 'cancelled', reason: 'forged' };
    const reply = decode(
      refusalSchema,
      await ask(worker, 'finish', { account, job, ...made, expected, result }),
    );
    expect(reply).toMatchObject({ ok: true, value: { error: { code: 'job-refused' } } });
    expect(await readResult(store, account, job)).toBeUndefined();
  });

  test('cannot have an acknowledgement sent that is not of a job', async () => {
    const worker = await grid.raw('worker', 'mallory');
    const { refused } = grid.director.counts;
    const lease = '$JS.ACK.AIPG_ACCEPTED.reaper.1.1.1.1.0';
    worker.connection.publish(
      `aipg.wrk.${worker.credentials.worker}.lease`,
      encode({ protocol, lease, word: '+ACK' }),
    );
    await expect.poll(() => grid.director.counts.refused).toBe(refused + 1);
  });

  test('that guesses the acknowledgement of a job takes nothing: it is queued again, which is on record', async () => {
    const worker = await grid.raw('worker', 'mallory');
    const alice = await grid.client('alice');
    const store = await grid.store();
    const nobody = modelNameSchema.parse('org/served-by-nobody');
    const job = await alice.submit({ ...textJob(STORY), model: nobody }, { wait: true });
    const holder = await grid.raw('worker', 'carol');
    const leased = Promise.withResolvers<string>();
    const inbox = `_INBOX.${holder.credentials.key}.next`;
    holder.connection.subscribe(inbox, { callback: (_, { reply = '' }) => leased.resolve(reply) });
    const next = { kind: 'text', tier: 'standard', lane: 'fresh', model: nobody, expiresMs: 5_000, protocol };
    holder.connection.publish(`aipg.wrk.${holder.credentials.worker}.next`, encode(next), { reply: inbox });
    // As if every part of it had been guessed.
    const lease = await leased.promise;
    worker.connection.publish(
      `aipg.wrk.${worker.credentials.worker}.lease`,
      encode({ protocol, lease, word: '+ACK' }),
    );
    await expect.poll(() => grid.director.reaped.requeued).toBe(1);
    expect(
      grid.lines.some(
        ({ message, fields }) => message === 'lost job queued again' && fields['job'] === job.id,
      ),
    ).toBe(true);
    expect((await store.manager.streams.info(STREAMS.jobs)).state.messages).toBe(1);
    await job.cancel('enough');
    await nothingMoves();
  });
});

describe('a director', () => {
  test('does not ask as an operator, and cannot lose the ledger', async () => {
    const director = await grid.raw('director', 'mallory');
    const before = await streams();
    await tryAll(director, [...FOR_OPERATORS, ...LOSS], ['aipg.led.>', 'aipg.evt.>', 'aipg.res.>', '>']);
    const wanted = [...FOR_OPERATORS, ...LOSS].map((subject) => `publish ${subject}`);
    await expect.poll(() => wanted.filter((each) => !director.violations.has(each))).toEqual([]);
    expect(await streams()).toEqual(before);
  });
});

describe('the ledger', () => {
  test('takes no entry back, whoever asks', async () => {
    const { manager } = await grid.store();
    const { config, state } = await manager.streams.info(STREAMS.ledger);
    expect(config).toMatchObject({ deny_delete: true, deny_purge: true });
    await expect(manager.streams.purge(STREAMS.ledger)).rejects.toThrow();
    await expect(manager.streams.deleteMessage(STREAMS.ledger, state.first_seq)).rejects.toThrow();
    expect((await manager.streams.info(STREAMS.ledger)).state.messages).toBe(state.messages);
  });
});

describe('a user', () => {
  test('has no reach to what drains, stops or answers for a worker', async () => {
    const user = await grid.raw('user', 'mallory');
    const control = { type: 'cancel', job: victim.job, reason: 'forged' };
    user.connection.publish(`aipg.ctl.worker.${victim.worker}`, encode(control));
    const beat = user.connection.request(
      `aipg.wrk.${victim.worker}.beat`,
      encode({ protocol, heartbeat: null }),
    );
    await expect(beat).rejects.toThrow();
    const { workers } = await takeSnapshot((await grid.store()).connection);
    expect(workers.map(({ worker }) => worker)).toContain(victim.worker);
  });

  test("learns nothing of another account's job by its id", async () => {
    const mallory = await grid.client('mallory');
    await expect(mallory.job(victim.job).view()).rejects.toMatchObject({ code: 'job-not-found' });
    expect(await mallory.ended(victim.job)).toBeUndefined();
    expect(await mallory.jobs({ since: 0, limit: 100 } as never)).toEqual([]);
  });
});

test('the victim noticed nothing of it all', async () => {
  const alice = await grid.client('alice');
  expect(await (await alice.submit(textJob(STORY))).result()).toMatchObject({ status: 'done' });
  const monitor = await grid.connect(await grid.member('monitor', 'ops'));
  const { directors, workers } = await takeSnapshot(monitor);
  expect(directors).toHaveLength(1);
  expect(workers.map(({ worker }) => worker)).toContain(victim.worker);
});

/** Waits until the director has let go of every job that has ended. */
async function nothingMoves(): Promise<void> {
  const { manager } = await grid.store();
  await vi.waitFor(async () => {
    expect((await manager.streams.info(STREAMS.accepted)).state.messages).toBe(0);
  });
}

/** What the streams hold: names and counts. */
async function streams(): Promise<unknown> {
  const { manager } = await grid.store();
  const all: unknown[] = [];
  for await (const { config, state } of manager.streams.list()) {
    if (!config.name.startsWith('KV_')) all.push([config.name, state.messages, state.consumer_count]);
  }
  return all;
}

async function ask({ connection, credentials }: Raw, verb: string, request: object): Promise<Uint8Array> {
  const { data } = await connection.request(
    `aipg.wrk.${credentials.worker}.${verb}`,
    encode({ protocol, ...request }),
    { timeout: 5_000 },
  );
  return data;
}
