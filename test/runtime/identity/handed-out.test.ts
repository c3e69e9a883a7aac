import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provisionQueues } from '../../../src/runtime/bus/provision.ts';
import { readRecord } from '../../../src/runtime/bus/record.ts';
import { ticketOf, withTicket } from '../../../src/runtime/bus/ticket.ts';
import { wasHandedOut } from '../../../src/runtime/director/handed-out.ts';
import { RecentTickets } from '../../../src/runtime/director/recent-tickets.ts';
import { decode, encode } from '../../../src/runtime/protocol/codec.ts';
import {
  type Account,
  type JobId,
  newJobId,
  newTicket,
  type Ticket,
} from '../../../src/runtime/protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { refusalSchema } from '../../../src/runtime/protocol/refusal.ts';
import { progressReplySchema } from '../../../src/runtime/protocol/replies.ts';
import { parseLease, STREAMS, subjects } from '../../../src/runtime/protocol/subjects.ts';
import { claimReplySchema, finishReplySchema } from '../../../src/runtime/protocol/worker-requests.ts';
import { STORY, textJob } from '../../support/grid.ts';
import { OpenGrid, type Raw } from '../../support/open-grid.ts';

let grid: OpenGrid;

beforeAll(async () => {
  grid = await OpenGrid.start({ reaperTimes: { firstLookMs: 300, clientGraceMs: 90_000 } });
});
afterAll(() => grid[Symbol.asyncDispose]());

const protocol = PROTOCOL_VERSION;
const MODEL = modelNameSchema.parse('org/served-by-nobody');
const END = { status: 'failed', error: { code: 'internal', message: 'made up' } } as const;

interface Spoken {
  readonly account: Account;
  readonly job: JobId;
  readonly ticket: Ticket;
  readonly sequence: number;
}

const finish = async (worker: Raw, spoken: Spoken, expected = 0) =>
  ask(worker, 'finish', { ...spoken, expected, result: END });
const claim = async (worker: Raw, spoken: Spoken) => ask(worker, 'claim', { ...spoken, attempt: 2 });

const isRefused = (data: Uint8Array) => {
  const refusal = decode(refusalSchema, data);
  return refusal.ok && refusal.value.error.code === 'job-refused';
};

describe('a worker that was not handed a job', () => {
  test('can neither claim nor end one that it has made up', async () => {
    const mallory = await grid.raw('worker', 'mallory');
    const account = await grid.account('alice');
    const spoken = { account, job: newJobId(), ticket: newTicket(), sequence: 1 };
    expect(isRefused(await finish(mallory, spoken))).toBe(true);
    expect(isRefused(await claim(mallory, spoken))).toBe(true);
    expect(await recordOf(spoken)).toBeUndefined();
  });

  test('can neither claim nor end one of its own account that another holds, whatever its events told', async () => {
    const accomplice = await grid.client('mallory');
    const { id: job } = await accomplice.submit({ ...textJob(STORY), model: MODEL }, { wait: true });
    const holder = await grid.raw('worker', 'carol');
    const held = await next(holder);
    const spoken = { account: await grid.account('mallory'), job, ...held };

    const mallory = await grid.raw('worker', 'mallory');
    const guessed = { ...spoken, ticket: newTicket() };
    expect(isRefused(await finish(mallory, guessed))).toBe(true);
    expect(isRefused(await claim(mallory, guessed))).toBe(true);
    expect(await recordOf(spoken)).toBeUndefined();

    expect(decode(finishReplySchema, await finish(holder, spoken))).toMatchObject({
      value: { written: true },
    });
    expect(await recordOf(spoken)).toMatchObject(END);
  });

  test('cannot drive off another that works on a job of its own account, nor read how far it is', async () => {
    const accomplice = await grid.client('mallory');
    const { id: job } = await accomplice.submit({ ...textJob(STORY), model: MODEL }, { wait: true });
    const holder = await grid.raw('worker', 'carol');
    const held = await next(holder);
    const spoken = { account: await grid.account('mallory'), job, ...held };
    const told: string[] = [];
    holder.connection.subscribe(`aipg.ctl.worker.${holder.credentials.worker}`, {
      callback: (_, message) => void told.push(message.string()),
    });
    const leased = { type: 'leased', attempt: 1, worker: holder.credentials.worker };
    holder.connection.publish(`aipg.evt.${spoken.account}.${job}`, encode(leased));
    await holder.connection.flush();

    const mallory = await grid.raw('worker', 'mallory');
    const asked = { ...spoken, attempt: 2 };
    expect(isRefused(await ask(mallory, 'progress', { ...asked, ticket: newTicket() }))).toBe(true);
    const { ticket: _, ...without } = asked;
    expect(isRefused(await ask(mallory, 'progress', without))).toBe(true);
    await holder.connection.flush();
    expect(told).toEqual([]);
    // Who was handed it is told, and drives off whoever had it before.
    const progress = await ask(await grid.raw('worker', 'dave'), 'progress', asked);
    expect(decode(progressReplySchema, progress)).toMatchObject({ value: { attempts: [{ attempt: 1 }] } });
    await expect.poll(() => told).toEqual([expect.stringContaining('"fence"')]);
    await accomplice.job(job).cancel('enough');
  });

  test('cannot use the ticket of a job that it was handed for another', async () => {
    const alice = await grid.client('alice');
    const [first, second] = [await submit(alice), await submit(alice)];
    const mallory = await grid.raw('worker', 'mallory');
    const { ticket, sequence } = await next(mallory);
    const account = await grid.account('alice');
    expect(isRefused(await finish(mallory, { account, job: second, ticket, sequence }))).toBe(true);
    expect(
      decode(finishReplySchema, await finish(mallory, { account, job: first, ticket, sequence })),
    ).toMatchObject({ value: { written: true } });
    await alice.job(second).cancel('enough');
  });
});

describe('a worker that was handed a job', () => {
  test('ends it, although the queue has lost it and it was queued again', async () => {
    const alice = await grid.client('alice');
    const job = await submit(alice);
    const carol = await grid.raw('worker', 'carol');
    const held = await next(carol);
    const { manager } = await grid.store();
    // As by a guessed acknowledgement.
    await manager.streams.deleteMessage(STREAMS.jobs, held.sequence);
    await expect.poll(() => grid.director.reaped.requeued, { timeout: 10_000 }).toBe(1);
    const again = await next(await grid.raw('worker', 'dave'));
    expect(again.ticket).toBe(held.ticket);
    const spoken = { account: await grid.account('alice'), job, ...held };
    expect(decode(finishReplySchema, await finish(carol, spoken))).toMatchObject({
      value: { written: true },
    });
  });

  test('is known by its ticket to a director that has not queued the job itself', async () => {
    const alice = await grid.client('alice');
    const job = await submit(alice);
    const held = await next(await grid.raw('worker', 'carol'));
    const other = { ...(await grid.store()), tickets: new RecentTickets() };
    const spoken = { account: await grid.account('alice'), job, ...held };
    expect(await wasHandedOut(other, spoken)).toBe(true);
    expect(await wasHandedOut(other, { ...spoken, ticket: newTicket() })).toBe(false);
    await alice.job(job).cancel('enough');
  });

  test('claims and ends it, although its director was killed before it wrote it down', async () => {
    const { jetstream, manager } = await grid.store();
    await provisionQueues(manager, 'text', MODEL);
    const [account, job] = [await grid.account('alice'), newJobId()];
    const queue = subjects.job('text', 'standard', 'fresh', MODEL, account);
    await jetstream.publish(queue, '{}', { msgID: job, headers: withTicket(newTicket()) });
    const carol = await grid.raw('worker', 'carol');
    const spoken = { account, job, ...(await next(carol)) };
    const claimed = decode(claimReplySchema, await claim(carol, spoken));
    if (!claimed.ok || claimed.value.outcome !== 'claimed') throw new Error('It could not be claimed.');
    const written = decode(finishReplySchema, await finish(carol, spoken, claimed.value.sequence));
    expect(written).toMatchObject({ value: { written: true } });
  });
});

async function submit(client: Awaited<ReturnType<OpenGrid['client']>>): Promise<JobId> {
  return (await client.submit({ ...textJob(STORY), model: MODEL }, { wait: true })).id;
}

/** Takes the next job as a worker does. */
async function next({ connection, credentials }: Raw): Promise<Pick<Spoken, 'ticket' | 'sequence'>> {
  const inbox = `_INBOX.${credentials.key}.next.${newJobId()}`;
  const { promise, resolve, reject } = Promise.withResolvers<Pick<Spoken, 'ticket' | 'sequence'>>();
  connection.subscribe(inbox, {
    max: 1,
    callback: (_, message) => {
      const ticket = ticketOf(message);
      const sequence = parseLease(message.reply ?? '')?.sequence;
      if (ticket && sequence) resolve({ ticket, sequence });
      else reject(new Error('That is no job with a ticket.'));
    },
  });
  const request = { protocol, kind: 'text', tier: 'standard', lane: 'fresh', model: MODEL, expiresMs: 5_000 };
  connection.publish(`aipg.wrk.${credentials.worker}.next`, encode(request), { reply: inbox });
  return promise;
}

async function recordOf({ account, job }: Pick<Spoken, 'account' | 'job'>) {
  return (await readRecord(await grid.store(), account, job)).record;
}

async function ask({ connection, credentials }: Raw, verb: string, request: object): Promise<Uint8Array> {
  const subject = `aipg.wrk.${credentials.worker}.${verb}`;
  const { data } = await connection.request(subject, encode({ protocol, ...request }), { timeout: 5_000 });
  return data;
}
