import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, reserveDrafts } from '../../../src/runtime/ledger/drafts.ts';
import { ISSUED, OPERATOR } from '../../../src/runtime/ledger/entry.ts';
import { sealEntries } from '../../../src/runtime/ledger/seal.ts';
import { LedgerState } from '../../../src/runtime/ledger/state.ts';
import { accountSchema, newJobId } from '../../../src/runtime/protocol/ids.ts';
import { modelNameSchema, sha256Schema } from '../../../src/runtime/protocol/model.ts';
import {
  alice,
  bob,
  DAY_MS,
  erin,
  issue,
  MODEL,
  micro,
  NOON,
  reserve,
  sumOf,
  TestLedger,
  transfer,
} from './support.ts';

/** A million tokens of each at the default rates cost half a credit. */
const COUNTS = { inputTokens: 1_000, outputTokens: 1_000 };

describe('a ledger', () => {
  it('begins with a policy', () => {
    expect(() => sealEntries(LedgerState.empty(), [issue(alice, 5)], NOON)).toThrow('The first entry');
  });

  it('takes credits from the account that issues them', () => {
    const ledger = new TestLedger();
    ledger.add(issue(alice, 5_000));
    expect(ledger.state.balance(alice)).toEqual({ available: 5_000, reserved: 0 });
    expect(ledger.state.balance(ISSUED).available).toBe(-5_000);
    expect(accountSchema.safeParse(ISSUED).success).toBe(false);
    expect(accountSchema.safeParse(OPERATOR).success).toBe(false);
  });

  it('transfers what an account has, and no more', () => {
    const ledger = new TestLedger();
    ledger.add(issue(alice, 5_000), transfer(alice, bob, 2_000));
    expect(ledger.state.balance(bob).available).toBe(2_000);
    expect(() => ledger.add(transfer(alice, bob, 3_001))).toThrow(
      'alice has 0.003 credits; this takes 0.003001.',
    );
    expect(() => ledger.add(transfer(alice, alice, 1))).toThrow('itself');
  });

  it('takes an issue or a transfer that is repeated once', () => {
    const ledger = new TestLedger();
    const once = issue(alice, 5_000);
    ledger.add(once);
    expect(() => ledger.add(once)).toThrow('already');
    const moved = transfer(alice, bob, 1);
    ledger.add(moved);
    expect(() => ledger.add(moved)).toThrow('already');
    expect(ledger.state.balance(alice).available).toBe(4_999);
  });

  it('gives an account its allowance once, before its first job', () => {
    const ledger = new TestLedger();
    const terms = { account: alice, tier: 'standard', model: undefined, most: COUNTS } as const;
    ledger.add(...reserveDrafts(ledger.state, { ...terms, job: newJobId() }));
    ledger.add(...reserveDrafts(ledger.state, { ...terms, job: newJobId() }));
    expect(ledger.entries.map(({ kind }) => kind)).toEqual(['policy', 'allowance', 'reserve', 'reserve']);
    expect(ledger.state.balance(alice)).toEqual({ available: 10_000_000 - 1_000, reserved: 1_000 });
  });

  it('leaves the minimum balance to an account that reserves', () => {
    const ledger = new TestLedger();
    ledger.add(
      { kind: 'policy', policy: { ...DEFAULT_POLICY, minimumBalance: micro(100) } },
      issue(alice, 1_000),
    );
    expect(() => ledger.add(reserve(alice, 901, newJobId(), 2))).toThrow('and 0.0001 must be left');
    ledger.add(reserve(alice, 900, newJobId(), 2));
  });

  it('all or nothing takes what is added at once', () => {
    const ledger = new TestLedger();
    expect(() => ledger.add(issue(alice, 10), transfer(alice, bob, 11))).toThrow('alice has');
    expect(ledger.state.balance(alice).available).toBe(0);
    expect(ledger.state.n).toBe(1);
  });

  describe('settles a job', () => {
    it('at the counts of a director, with the operator’s share, and frees the rest', () => {
      const ledger = new TestLedger();
      const job = newJobId();
      ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job));
      ledger.settle(job, COUNTS);
      expect(ledger.state.balance(alice)).toEqual({ available: 4_500, reserved: 0 });
      expect(ledger.state.balance(erin).available).toBe(475);
      expect(ledger.state.balance(OPERATOR).available).toBe(25);
      expect(sumOf(ledger.state)).toBe(0);
    });

    it('for no more than was reserved', () => {
      const ledger = new TestLedger();
      const job = newJobId();
      ledger.add(issue(alice, 5_000), reserve(alice, 100, job));
      ledger.settle(job, COUNTS);
      expect(ledger.state.balance(alice)).toEqual({ available: 4_900, reserved: 0 });
    });

    it('for nothing when an account serves itself', () => {
      const ledger = new TestLedger();
      const job = newJobId();
      ledger.add(issue(alice, 5_000), reserve(alice, 100, job));
      ledger.settle(job, COUNTS, alice);
      expect(ledger.state.balance(alice)).toEqual({ available: 5_000, reserved: 0 });
    });

    it('once, and only one that was reserved for', () => {
      const ledger = new TestLedger();
      const job = newJobId();
      ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job));
      ledger.settle(job, COUNTS);
      expect(() => ledger.settle(job, COUNTS)).toThrow('has no open reservation');
      expect(() => ledger.add({ kind: 'refund', job, reason: 'failed' })).toThrow('has no open reservation');
      expect(() => ledger.add(reserve(alice, 1, job))).toThrow('already');
    });

    it('at the rates and multiplier of when it was reserved for', () => {
      const ledger = new TestLedger();
      const job = newJobId();
      ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job));
      ledger.add({
        kind: 'policy',
        policy: { ...DEFAULT_POLICY, operatorShare: 10_000, rates: { input: 0, output: 0 } },
      });
      ledger.settle(job, COUNTS);
      expect(ledger.state.balance(erin).available).toBe(475);
    });

    it('only with a receipt of the model that was priced', () => {
      const ledger = new TestLedger();
      const other = sha256Schema.parse('ef'.repeat(32));
      const name = modelNameSchema.parse('dear');
      const [price] = ledger.add({
        kind: 'price',
        model: other,
        name,
        rates: { input: 1, output: 1 },
        basis: 'set',
      });
      const job = newJobId();
      ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job, price?.n));
      expect(() => ledger.settle(job, COUNTS)).toThrow('another model');
      expect(ledger.state.cardFor(other)).toMatchObject({ n: 2, name: 'dear' });
      expect(ledger.state.cardFor(MODEL)).toMatchObject({ n: 1, basis: 'policy' });
    });
  });

  it('holds a reservation for as long as it takes, and takes no second for the same job meanwhile', () => {
    const ledger = new TestLedger();
    const job = newJobId();
    ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job));
    ledger.at += 30 * DAY_MS;
    expect(() => ledger.add(reserve(alice, 1_000, job))).toThrow('already');
    ledger.add({ kind: 'refund', job, reason: 'unsettled' });
    expect(ledger.state.balance(alice)).toEqual({ available: 5_000, reserved: 0 });
  });

  it('refunds all that was reserved', () => {
    const ledger = new TestLedger();
    const job = newJobId();
    ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job));
    ledger.add({ kind: 'refund', job, reason: 'cancelled' });
    expect(ledger.state.balance(alice)).toEqual({ available: 5_000, reserved: 0 });
  });

  it('starts each day with the root of the one before', () => {
    const ledger = new TestLedger();
    ledger.add(issue(alice, 5_000));
    ledger.at += 3 * DAY_MS;
    const [root, entry] = ledger.add(issue(alice, 5_000));
    expect(root).toMatchObject({ kind: 'root', day: '2026-11-21', first: 1, count: 2 });
    expect(entry).toMatchObject({ kind: 'issue', n: 4 });
    expect(ledger.state.dueRoot(ledger.at)).toBeUndefined();
  });

  it('never goes back in time, whatever the clocks of directors say', () => {
    const ledger = new TestLedger();
    ledger.at -= 2 * DAY_MS;
    expect(ledger.add(issue(alice, 5_000))[0]?.at).toBe(NOON);
  });
});
