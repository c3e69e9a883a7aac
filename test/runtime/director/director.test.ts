import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseModel } from '../../../src/runtime/director/choose-model.ts';
import { Director } from '../../../src/runtime/director/director.ts';
import { takeSnapshot } from '../../../src/runtime/monitor/snapshot.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { STORY, TestGrid, textJob } from '../../support/grid.ts';

let grid: TestGrid;
let connection: NatsConnection;

beforeAll(async () => {
  grid = await TestGrid.start();
  connection = await grid.connect();
});

afterAll(() => grid[Symbol.asyncDispose]());

async function request(subject: string, payload: string | Uint8Array): Promise<unknown> {
  return (await connection.request(subject, payload, { timeout: 5_000 })).json();
}

describe('a director', () => {
  test.each([
    ['no JSON', 'hello'],
    ['binary', new Uint8Array([0, 255, 254])],
    ['an empty message', ''],
    ['a list', '[]'],
    ['a job without a seed', JSON.stringify({ protocol: PROTOCOL_VERSION, job: { id: 'x', input: {} } })],
    [
      'a sampling value out of range',
      JSON.stringify({
        protocol: PROTOCOL_VERSION,
        job: { ...textJob(STORY), input: { ...textJob(STORY).input, sampling: { temperature: 99 } } },
      }),
    ],
  ])('refuses %s, counts it and goes on', async (_, payload) => {
    const before = grid.director.counts.refused;
    for (const verb of ['submit', 'cancel']) {
      const reply = await request(`aipg.req.local.${verb}`, payload);
      expect(reply).toMatchObject({
        error: { code: 'job-refused', message: expect.stringContaining('malformed') },
      });
    }
    expect(grid.director.counts.refused).toBe(before + 2);
  });

  test('says which protocol it speaks to one that speaks another', async () => {
    const payload = JSON.stringify({ protocol: PROTOCOL_VERSION + 1, job: { shape: 'of the future' } });
    expect(await request('aipg.req.local.submit', payload)).toMatchObject({
      error: { code: 'protocol-mismatch', message: expect.stringContaining(String(PROTOCOL_VERSION + 1)) },
    });
  });

  test('refuses an account that is no name', async () => {
    const payload = JSON.stringify({ protocol: PROTOCOL_VERSION, job: textJob(STORY) });
    expect(await request('aipg.req.a*b.submit', payload)).toMatchObject({ error: { code: 'job-refused' } });
  });

  test('does not cancel what is not the account’s', async () => {
    const payload = JSON.stringify({
      protocol: PROTOCOL_VERSION,
      job: textJob(STORY).id,
      reason: 'x',
    });
    expect(await request('aipg.req.other.cancel', payload)).toMatchObject({
      error: { code: 'job-not-found' },
    });
  });

  test('never logs a prompt', () => {
    expect(JSON.stringify(grid.lines)).not.toContain('fox');
  });

  test('shares the work with others on the same bus, and each is listed', async () => {
    await using second = await Director.start({
      connection: await grid.connect(),
      version: '0.0.0',
      log: silentLog,
    });
    expect((await takeSnapshot(connection)).directors).toHaveLength(2);
    for (let n = 0; n < 40; n += 1) await request('aipg.req.local.submit', 'hello');
    expect(second.counts.refused).toBeGreaterThan(0);
    expect(second.counts.refused).toBeLessThan(40);
  });
});

describe('the choice of a model', () => {
  const name = (text: string) => modelNameSchema.parse(text);
  const served = new Map([
    [name('org/big:Q4_K_M'), 8],
    [name('org/small:Q8_0'), 4],
    [name('Org/Small'), 1],
  ]);

  test('is the first that is served when none is asked for', () => {
    expect(chooseModel(undefined, served)).toBe('org/big:Q4_K_M');
  });

  test('is what was asked for, by its name or an unambiguous part, in any case', () => {
    expect(chooseModel(name('org/small:Q8_0'), served)).toBe('org/small:Q8_0');
    expect(chooseModel(name('BIG'), served)).toBe('org/big:Q4_K_M');
    expect(chooseModel(name('org/small'), served)).toBe('Org/Small');
  });

  test('is refused when it could be several, is not served, or nothing is', () => {
    expect(() => chooseModel(name('org'), served)).toThrow('could be any of');
    expect(() => chooseModel(name('other'), served)).toThrow('No worker on this grid serves other');
    expect(() => chooseModel(undefined, new Map())).toThrow('No worker serves any model');
  });
});
