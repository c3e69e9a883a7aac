import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import type { Grid } from '../../../src/runtime/grids/grid.ts';
import { decode, encode } from '../../../src/runtime/protocol/codec.ts';
import type { Account, JobId } from '../../../src/runtime/protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import type { Sha256 } from '../../../src/runtime/protocol/model.ts';
import { getReplySchema, PIECE_BYTES } from '../../../src/runtime/protocol/pieces.ts';
import { refusalSchema } from '../../../src/runtime/protocol/refusal.ts';
import { STREAMS, subjects } from '../../../src/runtime/protocol/subjects.ts';
import { textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';
import { OpenGrid, type Raw } from '../../support/open-grid.ts';

let grid: OpenGrid;
let alice: Grid;
let victim: { account: Account; job: JobId };

const protocol = PROTOCOL_VERSION;
const LONG = 'The fox went on. '.repeat(60_000);

/** Says again what it was told, in pieces that the bus takes. */
const parrot: LoadedModel = {
  ...instantEngine({ slots: 2 }),
  async *generate({ prompt }) {
    const said = prompt.form === 'raw' ? prompt.text : (prompt.messages.at(-1)?.content ?? '');
    const parts = said.match(/.{1,20000}/gs) ?? [];
    for (const [index, text] of parts.entries()) {
      const finish = {
        reason: 'stop',
        promptTokens: 8,
        outputTokens: parts.length,
        sampler: 'gumbel-1',
      } as const;
      yield { text, tokens: [index], ...(index === parts.length - 1 && { finish }) };
    }
  },
};

beforeAll(async () => {
  grid = await OpenGrid.start();
  await grid.worker(parrot, 'carol');
  alice = await grid.client('alice');
  const job = await alice.submit(textJob(LONG));
  const result = await job.result();
  expect(brief(result)).toBe(brief({ status: 'done', text: LONG }));
  victim = { account: await grid.account('alice'), job: job.id };
});
afterAll(() => grid[Symbol.asyncDispose]());

/** A result in a line, be it ever so long. */
function brief(result: { status: string; text?: string; error?: unknown } | undefined): string {
  const { status, text = '', error } = result ?? { status: 'none' };
  return `${status} ${createHash('sha256').update(text).digest('hex')} ${JSON.stringify(error)?.slice(0, 500)}`;
}

/** What is kept with the victim's job, and what the boxes hold, by subject. */
async function kept(stream: string): Promise<string[]> {
  const { manager } = await grid.store();
  const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
  return Object.keys(state.subjects ?? {});
}

async function shaOf(account: Account, job: JobId): Promise<Sha256> {
  const subject = (await kept(STREAMS.pieces)).find((each) => each.startsWith(`aipg.art.${account}.${job}.`));
  return subject?.split('.')[4] as Sha256;
}

async function ask(
  { connection, credentials }: Raw,
  verb: 'put' | 'get',
  request: object,
): Promise<Uint8Array> {
  const { worker, account } = credentials;
  const subject = worker ? subjects.workerRequest(worker, verb) : subjects.request(account, verb);
  return (await connection.request(subject, encode({ protocol, ...request }), { timeout: 5_000 })).data;
}
const codeOf = (data: Uint8Array) => {
  const refusal = decode(refusalSchema, data);
  return refusal.ok ? refusal.value.error.code : undefined;
};
const dataOf = (data: Uint8Array) => {
  const reply = decode(getReplySchema, data);
  return reply.ok ? reply.value.data : undefined;
};

describe('a message over 256 KiB', () => {
  test('comes back whole by its record too, for its account alone', async () => {
    const ended = await alice.ended(victim.job);
    expect(brief(await ended?.result())).toBe(brief({ status: 'done', text: LONG }));
    expect((await ended?.view())?.output?.text === LONG).toBe(true);
    const mallory = await grid.client('mallory');
    expect(await mallory.ended(victim.job)).toBeUndefined();
  });

  test('leaves nothing in the box once a director has read it', async () => {
    await expect
      .poll(async () => (await kept(STREAMS.boxes)).filter((each) => each.startsWith('aipg.box.in-')))
      .toEqual([]);
  });

  test('may have megabytes', async () => {
    const text = randomBytes(4_000_000).toString('hex');
    const job = await alice.submit(textJob(text));
    expect(brief(await job.result())).toBe(brief({ status: 'done', text }));
  });
});

describe('a user', () => {
  test("cannot read what is kept with a job, be it another's or its own, by naming it", async () => {
    const sha256 = await shaOf(victim.account, victim.job);
    const mallory = await grid.raw('user', 'mallory');
    expect(codeOf(await ask(mallory, 'get', { sha256, piece: 0, of: victim }))).toBe('job-refused');
    expect(dataOf(await ask(mallory, 'get', { sha256, piece: 0 }))).toBeNull();
  });

  test('cannot have a director read it instead', async () => {
    const sha256 = await shaOf(victim.account, victim.job);
    const mallory = await grid.raw('user', 'mallory');
    const { connection, credentials } = mallory;
    for (const of of [victim, undefined]) {
      const reference = encode({ artifact: { sha256, bytes: 2 * PIECE_BYTES, of } });
      const subject = subjects.request(credentials.account, 'submit');
      expect(codeOf((await connection.request(subject, reference, { timeout: 5_000 })).data)).toBe(
        'job-refused',
      );
    }
  });

  test("has its own under another's sha256, and changes nothing", async () => {
    const sha256 = await shaOf(victim.account, victim.job);
    const mallory = await grid.raw('user', 'mallory');
    const before = await kept(STREAMS.pieces);
    const data = Buffer.from('forged').toString('base64');
    expect(codeOf(await ask(mallory, 'put', { sha256, bytes: 6, piece: 0, data }))).toBeUndefined();
    // Not what it says that it is, so no request can be made of it.
    const reference = encode({ artifact: { sha256, bytes: 6 } });
    const subject = subjects.request(mallory.credentials.account, 'submit');
    const reply = await mallory.connection.request(subject, reference, { timeout: 5_000 });
    expect(codeOf(reply.data)).toBe('job-refused');
    expect(await kept(STREAMS.pieces)).toEqual(before);
    expect(brief(await (await alice.ended(victim.job))?.result())).toBe(
      brief({ status: 'done', text: LONG }),
    );
  });

  test('puts no piece of another size, beyond the end, or of more than a message may have', async () => {
    const mallory = await grid.raw('user', 'mallory');
    const sha256 = createHash('sha256').update('x').digest('hex');
    const data = Buffer.from('x').toString('base64');
    const wrong = [
      { bytes: 2, piece: 0, data },
      { bytes: 1, piece: 1, data },
      { bytes: PIECE_BYTES + 1, piece: 0, data },
      { bytes: 1, piece: 0, data: '' },
      { bytes: LIMITS.artifactBytes + 1, piece: 0, data },
      { bytes: 1, piece: -1, data },
    ];
    for (const each of wrong)
      expect(codeOf(await ask(mallory, 'put', { sha256, ...each }))).toBe('job-refused');
  });

  test('fills no disk: what nobody asks for is bounded', async () => {
    const mallory = await grid.raw('user', 'filler');
    const data = Buffer.from('x').toString('base64');
    const codes = new Set<string | undefined>();
    for (let index = 0; index < 600; index += 50) {
      const puts = Array.from({ length: 50 }, (_, each) => {
        const sha256 = createHash('sha256')
          .update(`${index + each}`)
          .digest('hex');
        return ask(mallory, 'put', { sha256, bytes: 1, piece: 0, data });
      });
      for (const reply of await Promise.all(puts)) codes.add(codeOf(reply));
    }
    expect(codes).toEqual(new Set([undefined, 'queue-full']));
  });
});

describe('a worker', () => {
  test('that was not given a job cannot read what is kept with it', async () => {
    const sha256 = await shaOf(victim.account, victim.job);
    const mallory = await grid.raw('worker', 'mallory');
    const of = { account: victim.account, job: '0'.repeat(26) };
    expect(dataOf(await ask(mallory, 'get', { sha256, piece: 0, of }))).toBeNull();
    expect(dataOf(await ask(mallory, 'get', { sha256, piece: 0 }))).toBeNull();
    for (const wild of [
      { account: '*', job: victim.job },
      { account: victim.account, job: '*' },
    ]) {
      expect(codeOf(await ask(mallory, 'get', { sha256, piece: 0, of: wild }))).toBe('job-refused');
    }
  });

  test('cannot write what is kept with a job, even one that it was given', async () => {
    const sha256 = await shaOf(victim.account, victim.job);
    const mallory = await grid.raw('worker', 'mallory');
    const before = await kept(STREAMS.pieces);
    const data = Buffer.from('forged').toString('base64');
    await ask(mallory, 'put', { sha256, bytes: 6, piece: 0, data, of: victim });
    expect(await kept(STREAMS.pieces)).toEqual(before);
    expect(brief(await (await alice.ended(victim.job))?.result())).toBe(
      brief({ status: 'done', text: LONG }),
    );
  });
});
