import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, encode } from '../../../src/runtime/protocol/codec.ts';
import { newTicket } from '../../../src/runtime/protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { isSigned, newUserSeed, receiptSigner } from '../../../src/runtime/protocol/receipt-signature.ts';
import { refusalSchema } from '../../../src/runtime/protocol/refusal.ts';
import type { Result } from '../../../src/runtime/protocol/result.ts';
import { subjects } from '../../../src/runtime/protocol/subjects.ts';
import { textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';
import { entriesOf, readLedger, sumOf } from '../../support/ledger.ts';
import { OpenGrid } from '../../support/open-grid.ts';

let grid: OpenGrid;

beforeAll(async () => {
  grid = await OpenGrid.start({ credits: true });
});
afterAll(() => grid[Symbol.asyncDispose]());

const ledger = async () => readLedger((await grid.store()).connection);

describe('on a grid with keys and a ledger', () => {
  test("a worker's owner is paid, by a receipt that the worker's own key has signed", async () => {
    const worker = await grid.worker(instantEngine({ slots: 1 }), 'erin');
    const client = await grid.client('alice');
    const { id } = await client.submit(textJob('a fox'));
    const result = await client.job(id).result();
    expect(result).toMatchObject({ status: 'done' });
    await expect
      .poll(async () => entriesOf(await ledger(), id), { timeout: 10_000 })
      .toEqual(['reserve', 'settle']);
    const copy = await ledger();
    const settle = copy.entries.find((entry) => entry.kind === 'settle');
    if (settle?.kind !== 'settle') throw new Error('Nothing was settled.');
    const { receipt } = settle;
    expect(receipt).toMatchObject({ worker: worker.id, payTo: settle.payTo });
    const members = await grid.authority.members();
    expect(members.find(({ key }) => key === receipt.key)).toMatchObject({
      worker: worker.id,
      account: receipt.payTo,
    });
    expect(isSigned(receipt)).toBe(true);
    expect(copy.state.balance(receipt.payTo).available).toBe(settle.pay);
    expect(sumOf(copy)).toBe(0);
    await worker.drain();
  });

  test('a worker cannot end a job in the name of another, nor by the receipt of another key', async () => {
    const victim = await grid.member('worker', 'erin');
    const { connection, credentials } = await grid.raw('worker', 'mallory');
    const own = credentials.worker;
    const theirs = victim.worker;
    if (!own || !theirs) throw new Error('A worker has no id.');
    const { id: job } = textJob('stolen');
    const sha = 'a'.repeat(64);
    const result = (worker: string, signedAs: string): Result => ({
      status: 'done',
      text: 'x',
      tokens: [1],
      outcome: {
        ...{ model: 'instant', modelSha256: sha, finishReason: 'stop', sampler: 'gumbel-1' },
        ...{ promptTokens: 1, outputTokens: 1, textLength: 1, timings: { firstTokenMs: 1, totalMs: 1 } },
        worker,
      } as never,
      receipt: receiptSigner(newUserSeed()).sign({
        ...{ job, attempt: 1, startedAt: 1, endedAt: 2, payTo: credentials.account },
        ...{ modelSha256: sha, inputSha256: sha, outputSha256: sha },
        counts: { inputTokens: 1, outputTokens: 1 },
        worker: signedAs,
      } as never),
    });
    for (const forged of [result(theirs, own), result(own, theirs)]) {
      const { data } = await connection.request(
        subjects.workerRequest(own, 'finish'),
        encode({
          ...{ protocol: PROTOCOL_VERSION, account: 'alice', job, expected: 0 },
          ...{ ticket: newTicket(), sequence: 1 },
          result: forged,
        }),
        { timeout: 5_000 },
      );
      expect(decode(refusalSchema, data)).toMatchObject({
        ok: true,
        value: { error: { code: 'job-refused' } },
      });
    }
  });
});
