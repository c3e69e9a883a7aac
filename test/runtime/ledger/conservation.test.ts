import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEFAULT_POLICY, reserveDrafts, settleDraft } from '../../../src/runtime/ledger/drafts.ts';
import type { Entry } from '../../../src/runtime/ledger/entry.ts';
import { ISSUED } from '../../../src/runtime/ledger/entry.ts';
import { Ledger } from '../../../src/runtime/ledger/ledger.ts';
import { readEntry } from '../../../src/runtime/ledger/seal.ts';
import { LedgerState } from '../../../src/runtime/ledger/state.ts';
import { verifyExport } from '../../../src/runtime/ledger/verify.ts';
import { type JobId, newJobId } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { type Fault, MemoryLog } from './memory-log.ts';
import { alice, bob, DAY_MS, erin, issue, NOON, receiptOf, sumOf, transfer } from './support.ts';

const JOBS: readonly JobId[] = Array.from({ length: 6 }, () => newJobId());
const ISSUES = [issue(alice, 5_000), issue(bob, 700), issue(alice, 1)];
const TRANSFERS = [transfer(alice, bob, 400), transfer(bob, alice, 600), transfer(alice, erin, 9_999)];

const job = fc.nat(JOBS.length - 1).map((i) => JOBS[i] as JobId);
const account = fc.constantFrom(alice, bob);
const tokens = fc.record({ inputTokens: fc.nat(3_000), outputTokens: fc.nat(3_000) });

/** What somebody asks of one of the directors; the same may be asked again, of any. */
const action = fc.oneof(
  fc.record({ does: fc.constant('submit' as const), job, account, most: tokens }),
  fc.record({
    does: fc.constant('settle' as const),
    job,
    counts: tokens,
    payTo: fc.constantFrom(alice, erin),
  }),
  fc.record({ does: fc.constant('refund' as const), job }),
  fc.record({ does: fc.constant('issue' as const), which: fc.nat(2) }),
  fc.record({ does: fc.constant('transfer' as const), which: fc.nat(2) }),
  fc.record({
    does: fc.constant('policy' as const),
    operatorShare: fc.nat(10_000),
    allowance: fc.nat(5_000),
    minimumBalance: fc.nat(50),
  }),
  fc.record({ does: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ does: fc.constant('crash' as const) }),
);
type Action = (typeof action)['generate'] extends (...args: never[]) => { value: infer T } ? T : never;

const step = fc.record({
  director: fc.nat(2),
  action,
  fault: fc.option(fc.constantFrom<Fault>('lost', 'unanswered'), { freq: 8, nil: undefined }),
  /** Whether it is answered before the next is asked. */
  inTurn: fc.boolean(),
});

/** Adds what an action asks for, as directors do; what a rule forbids is refused. */
function add(ledger: Ledger, asked: Action): Promise<unknown> {
  return ledger.append((state) => {
    switch (asked.does) {
      case 'submit': {
        if (state.isUsed(asked.job)) return undefined;
        const terms = { job: asked.job, account: asked.account, tier: 'standard', model: undefined } as const;
        return reserveDrafts(state, { ...terms, most: asked.most });
      }
      case 'settle': {
        const settlement = {
          receipt: receiptOf(asked.job, asked.payTo),
          counts: asked.counts,
          counted: 'text',
        } as const;
        return state.reservation(asked.job) && [settleDraft(state, settlement)];
      }
      case 'refund':
        return state.reservation(asked.job) && [{ kind: 'refund', job: asked.job, reason: 'failed' }];
      case 'issue':
        return ISSUES.slice(asked.which, asked.which + 1);
      case 'transfer':
        return TRANSFERS.slice(asked.which, asked.which + 1);
      case 'policy': {
        const { does, ...changes } = asked;
        return [{ kind: 'policy', policy: { ...DEFAULT_POLICY, ...changes } as typeof DEFAULT_POLICY }];
      }
      default:
        return undefined;
    }
  });
}

it('no sequence of submits, results, refunds, transfers, repeats and crashes of many directors loses or makes a credit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let now = NOON;
      const log = new MemoryLog();
      const open = () => Ledger.open(log.open(), { log: silentLog, now: () => now, retryMs: 1 });
      const ledgers = await Promise.all([open(), open(), open()]);
      await ledgers[0].append(() => [{ kind: 'policy', policy: DEFAULT_POLICY }]);
      const running: Promise<unknown>[] = [];
      for (const { director, action: asked, fault, inTurn } of steps) {
        const ledger = ledgers[director] as Ledger;
        if (asked.does === 'wait') now += asked.days * DAY_MS;
        else if (asked.does === 'crash') {
          await ledger[Symbol.asyncDispose]();
          ledgers[director] = await open();
        } else {
          if (fault) log.faults.push(fault);
          const done = add(ledger, asked).catch(() => undefined);
          running.push(done);
          if (inTurn) await done;
        }
      }
      await Promise.all(running);
      await Promise.all(ledgers.map((ledger) => ledger.catchUp()));

      // At each entry: nothing lost, nothing made, nothing spent that was not there.
      const state = LedgerState.empty();
      const settled: JobId[] = [];
      const onEntry = (entry: Entry) => {
        state.apply(entry);
        expect(sumOf(state)).toBe(0);
        for (const [holder, { available, reserved }] of state.balances()) {
          expect(Math.min(reserved, holder === ISSUED ? 0 : available)).toBeGreaterThanOrEqual(0);
        }
        if (entry.kind === 'settle' || entry.kind === 'refund') settled.push(entry.job);
      };
      const found = await verifyExport([log.export()]);
      for (const line of log.export().toString().trimEnd().split('\n')) onEntry(readEntry(line));
      for (const ledger of ledgers) expect(ledger.state.hash).toBe(found.hash);
      const reserved = [...state.reservations()].reduce((sum, [, { amount }]) => sum + amount, 0);
      expect(reserved).toBe([...state.balances()].reduce((sum, [, balance]) => sum + balance.reserved, 0));
      await Promise.all(ledgers.map((ledger) => ledger[Symbol.asyncDispose]()));
    }),
    { numRuns: 300 },
  );
}, 120_000);
