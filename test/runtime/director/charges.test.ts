import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Charges, type Holding } from '../../../src/runtime/director/charges.ts';
import { ledgerPrices } from '../../../src/runtime/director/price-source.ts';
import { RecentInputs } from '../../../src/runtime/director/recent-inputs.ts';
import { DEFAULT_POLICY } from '../../../src/runtime/ledger/drafts.ts';
import { type EntryLog, Ledger } from '../../../src/runtime/ledger/ledger.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { textJob } from '../../support/grid.ts';
import { MemoryLog } from '../ledger/memory-log.ts';
import { alice, erin, issue, micro, NOON, transfer } from '../ledger/support.ts';

const model = modelNameSchema.parse('some/model');

let ledger: Ledger;
let charges: Charges;
/** While it is there, appended is what it resolves before. */
let gate: PromiseWithResolvers<void> | undefined;
let appends: number;
let now: number;
let log: MemoryLog;
let inputs: RecentInputs;

beforeEach(async () => {
  log = new MemoryLog();
  appends = 0;
  now = NOON;
  const shared = log.open();
  const gated: EntryLog = {
    ...shared,
    append: async (data, expected) => {
      appends += 1;
      await gate?.promise;
      return shared.append(data, expected);
    },
  };
  ledger = await Ledger.open(gated, { log: silentLog, now: () => now, retryMs: 10, patienceMs: 100 });
  await ledger.append(() => [{ kind: 'policy', policy: { ...DEFAULT_POLICY, allowance: micro(0) } }]);
  inputs = new RecentInputs();
  charges = new Charges(ledger, ledgerPrices, inputs);
});

afterEach(async () => {
  gate?.resolve();
  gate = undefined;
  await ledger[Symbol.asyncDispose]();
});

/** As much as this many jobs can cost, and nothing else. */
async function giveFor(jobs: number): Promise<void> {
  const { input, tier } = textJob('?');
  const { most } = charges.quote(model, input, tier);
  await ledger.append(() => [issue(alice, jobs * most)]);
}

async function isKnown({ expected }: Holding): Promise<boolean> {
  await turn();
  return Promise.race([expected.then(() => true), turn(false)]);
}

describe('what a job will cost', () => {
  test('is known before the ledger has answered, while no other director appends', async () => {
    await giveFor(1);
    gate = Promise.withResolvers();
    const holding = charges.reserve(alice, textJob('a'), model);
    expect(await isKnown(holding)).toBe(true);
    expect(ledger.state.balance(alice).reserved).toBe(0);
    gate.resolve();
    expect(await holding.held).toEqual(await holding.expected);
    expect(ledger.state.balance(alice)).toMatchObject({ available: 0 });
  });

  test('of a job that waits for the answer to others, when it is on its way itself', async () => {
    await giveFor(2);
    gate = Promise.withResolvers();
    const [first, second] = [
      charges.reserve(alice, textJob('a'), model),
      charges.reserve(alice, textJob('b'), model),
    ];
    expect(await isKnown(first)).toBe(true);
    expect(await isKnown(second)).toBe(false);
    gate.resolve();
    gate = Promise.withResolvers();
    await first.held;
    expect(await isKnown(second)).toBe(true);
  });

  test('is not, when another has appended, and for ten minutes after that', async () => {
    await using other = await Ledger.open(log.open(), { log: silentLog, now: () => now });
    await giveFor(10);
    await other.append(() => [issue(alice, 1)]);
    await ledger.catchUp();
    for (const minutes of [0, 9, 11]) {
      now = NOON + 60_000 * minutes;
      gate = Promise.withResolvers();
      const holding = charges.reserve(alice, textJob('a'), model);
      expect(await isKnown(holding)).toBe(minutes > 10);
      gate.resolve();
      await holding.held;
    }
  });

  test('is not, while the ledger does not answer', async () => {
    await giveFor(10);
    log.faults.push('lost');
    const first = charges.reserve(alice, textJob('a'), model);
    expect(await isKnown(first)).toBe(true);
    const second = charges.reserve(alice, textJob('b'), model);
    gate = Promise.withResolvers();
    await expect.poll(() => appends).toBeGreaterThan(3);
    expect(await isKnown(second)).toBe(false);
    gate.resolve();
    await Promise.all([first.held, second.held]);
  });

  test('nor after it was given up on, until it has answered again', async () => {
    await giveFor(10);
    gate = Promise.withResolvers();
    gate.reject(new Error('The stream has no leader.'));
    await expect(charges.reserve(alice, textJob('a'), model).held).rejects.toThrow('no leader');
    gate = Promise.withResolvers();
    const next = charges.reserve(alice, textJob('b'), model);
    expect(await isKnown(next)).toBe(false);
    gate.resolve();
    await next.held;
    gate = Promise.withResolvers();
    expect(await isKnown(charges.reserve(alice, textJob('c'), model))).toBe(true);
  });

  test('is not what it was taken for, when another has spent the credits in that moment', async () => {
    await giveFor(1);
    await using other = await Ledger.open(log.open(), { log: silentLog, now: () => now });
    gate = Promise.withResolvers();
    const holding = charges.reserve(alice, textJob('a'), model);
    expect(await holding.expected).toMatchObject({ outcome: 'reserved' });
    const { available } = other.state.balance(alice);
    await other.append(() => [transfer(alice, erin, available)]);
    gate.resolve();
    await expect(holding.held).rejects.toMatchObject({ code: 'insufficient-credits' });
  });

  test('is nothing to who cannot pay, before the job is queued', async () => {
    const holding = charges.reserve(alice, textJob('a'), model);
    await expect(holding.expected).rejects.toMatchObject({ code: 'insufficient-credits' });
    await expect(holding.held).rejects.toMatchObject({ code: 'insufficient-credits' });
  });
});

describe('a job that is submitted again with another prompt', () => {
  test('is settled by the first', async () => {
    await giveFor(2);
    const job = textJob('what is done');
    await charges.reserve(alice, job, model).held;
    await charges.reserve(alice, { ...job, input: textJob('what is not').input }, model).held;
    expect(inputs.take(job.id)).toEqual(job.input);
  });
});
