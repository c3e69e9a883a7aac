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
import { alice, issue, micro } from '../ledger/support.ts';

const model = modelNameSchema.parse('some/model');

let ledger: Ledger;
let charges: Charges;
/** While it is there, appended is what it resolves before. */
let gate: PromiseWithResolvers<void> | undefined;

beforeEach(async () => {
  const log = new MemoryLog().open();
  const gated: EntryLog = {
    ...log,
    append: async (data, expected) => {
      await gate?.promise;
      return log.append(data, expected);
    },
  };
  ledger = await Ledger.open(gated, { log: silentLog });
  await ledger.append(() => [{ kind: 'policy', policy: { ...DEFAULT_POLICY, allowance: micro(0) } }]);
  charges = new Charges(ledger, ledgerPrices, new RecentInputs());
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
  test('is known before the ledger has answered, to who has plenty', async () => {
    await giveFor(100);
    gate = Promise.withResolvers();
    const holding = charges.reserve(alice, textJob('a'), model);
    expect(await isKnown(holding)).toBe(true);
    expect(ledger.state.balance(alice).reserved).toBe(0);
    gate.resolve();
    expect(await holding.held).toEqual(await holding.expected);
    expect(ledger.state.balance(alice).reserved).toBeGreaterThan(0);
  });

  test('is not, to who could pay for a few such jobs only', async () => {
    await giveFor(10);
    gate = Promise.withResolvers();
    const holding = charges.reserve(alice, textJob('a'), model);
    expect(await isKnown(holding)).toBe(false);
    gate.resolve();
    expect(await holding.expected).toEqual(await holding.held);
  });

  test('is for a part alone of what the account has, however many jobs come at the same time', async () => {
    await giveFor(160);
    gate = Promise.withResolvers();
    const holdings = Array.from({ length: 20 }, () => charges.reserve(alice, textJob('a'), model));
    const known = await Promise.all(holdings.map(isKnown));
    expect(known.filter(Boolean).length).toBeLessThanOrEqual(10);
    gate.resolve();
    await Promise.all(holdings.map(({ held }) => held));
    gate = undefined;
    // All of it is trusted again.
    expect(await isKnown(charges.reserve(alice, textJob('b'), model))).toBe(true);
  });
});
