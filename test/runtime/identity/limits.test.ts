import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { decode, encode } from '../../../src/runtime/protocol/codec.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { permissionsOf } from '../../../src/runtime/protocol/permissions.ts';
import { refusalSchema } from '../../../src/runtime/protocol/refusal.ts';
import { submitReplySchema } from '../../../src/runtime/protocol/replies.ts';
import { subjects } from '../../../src/runtime/protocol/subjects.ts';
import { loadTinyModel, STORY, textJob } from '../../support/grid.ts';
import { OpenGrid, type Raw } from '../../support/open-grid.ts';

let grid: OpenGrid;
let model: LoadedModel;
const protocol = PROTOCOL_VERSION;
const other = modelNameSchema.parse('org/other');
const OTHER = { models: [other] };
/** In the middle of a minute, which lasts as long as the tests. */
const NOON = Math.floor(Date.now() / 60_000) * 60_000 + 30_000;

beforeAll(async () => {
  grid = await OpenGrid.start({ now: () => NOON });
  model = await loadTinyModel(2);
  await grid.worker(model, 'carol', { models: [model.facts.name] });
});
afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

/** A director's answer to a member that says what it likes, on the subjects that it may publish to. */
async function say({ connection, credentials }: Raw, verb: string, request: object): Promise<Uint8Array> {
  const [own = ''] = permissionsOf(credentials).publish;
  const subject = own.replace(/\*$/, verb);
  const { data } = await connection.request(subject, encode({ protocol, ...request }), { timeout: 5_000 });
  return data;
}
const codeOf = (data: Uint8Array) => {
  const refusal = decode(refusalSchema, data);
  return refusal.ok ? refusal.value.error.code : undefined;
};

describe('the key of a user with limits', () => {
  test('asks for its models, and is told which when it asks for another', async () => {
    const alice = await grid.client('alice', { models: [model.facts.name] });
    expect(await (await alice.submit(textJob(STORY))).result()).toMatchObject({ status: 'done' });
    const bob = await grid.client('bob', OTHER);
    for (const asked of [undefined, model.facts.name, modelNameSchema.parse('tiny')]) {
      const refused = bob.submit({ ...textJob(STORY), ...(asked && { model: asked }) }, { wait: true });
      await expect(refused).rejects.toMatchObject({
        code: 'not-permitted',
        message: expect.stringContaining('only for org/other'),
      });
    }
  });

  test('submits so many jobs a minute, whichever director it asks', async () => {
    const { log } = { log: { debug() {}, info() {}, warn() {}, error() {} } };
    const { Director } = await import('../../../src/runtime/director/director.ts');
    const connection = await grid.connect(await grid.member('director', 'more'));
    await using _ = await Director.start({ connection, version: '0.0.0', log, now: () => NOON });
    const dora = await grid.raw('user', 'dora', { perMinute: 5 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => say(dora, 'submit', { job: textJob(STORY), wait: true })),
    );
    const accepted = answers.filter((each) => decode(submitReplySchema, each).ok);
    expect(accepted).toHaveLength(5);
    expect(answers.map(codeOf).filter((code) => code === 'queue-full')).toHaveLength(15);
    // Another key of the account has its own count, and one without limits none.
    const free = await grid.raw('user', 'dora');
    expect(codeOf(await say(free, 'submit', { job: textJob(STORY) }))).toBeUndefined();
  });

  test('cannot leave them out, nor use those of another key', async () => {
    const eve = await grid.raw('user', 'eve', { perMinute: 1 });
    const { account, key } = eve.credentials;
    const free = await grid.raw('user', 'eve');
    const wider = { id: account, key, limits: { perMinute: 1_000 } };
    const tried = [
      subjects.request(account, 'submit'),
      subjects.request(wider, 'submit'),
      subjects.request({ ...wider, key: free.credentials.key }, 'submit'),
      `aipg.req.${account}~${key}.submit`,
    ];
    for (const subject of tried) eve.connection.publish(subject, '{}');
    await eve.connection.flush();
    await expect.poll(() => tried.filter((each) => !eve.violations.has(`publish ${each}`))).toEqual([]);
  });

  test('may ask for the rest as often as it likes', async () => {
    const fred = await grid.raw('user', 'fred', { perMinute: 1 });
    for (let times = 0; times < 3; times++) {
      expect(codeOf(await say(fred, 'jobs', { since: 0 }))).toBeUndefined();
    }
  });
});

describe('the key of a worker with limits', () => {
  test('serves no other model: it gets no queue, no job and no place among the workers', async () => {
    await expect(grid.worker(model, 'mallory', OTHER)).rejects.toMatchObject({ code: 'not-permitted' });
    const mallory = await grid.raw('worker', 'mallory', OTHER);
    const provision = { kind: 'text', model: model.facts.name };
    expect(codeOf(await say(mallory, 'provision', provision))).toBe('not-permitted');
    const heartbeat = {
      protocol,
      worker: mallory.credentials.worker,
      version: '0.0.0',
      state: 'serving',
      models: [model.facts],
      slots: { total: 1, busy: 0 },
      jobs: { done: 0, failed: 0 },
      startedAt: 0,
    };
    expect(codeOf(await say(mallory, 'beat', { heartbeat }))).toBe('not-permitted');

    const { refused } = grid.director.counts;
    const next = { protocol, ...provision, tier: 'standard', lane: 'fresh', expiresMs: 1_000 };
    const [own = ''] = permissionsOf(mallory.credentials).publish;
    mallory.connection.publish(own.replace(/\*$/, 'next'), encode(next), {
      reply: `_INBOX.${mallory.credentials.key}.x`,
    });
    await expect.poll(() => grid.director.counts.refused).toBe(refused + 1);
  });
});
