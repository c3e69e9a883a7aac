import { describe, expect, test } from 'vitest';
import { writeEntry } from '../../../src/runtime/ledger/seal.ts';
import { readLedgerNews, receiptOf, receiptsOf } from '../../../src/runtime/monitor/ledger-news.ts';
import { newJobId } from '../../../src/runtime/protocol/ids.ts';
import { alice, bob, erin, issue, reserve, TestLedger, transfer } from '../ledger/support.ts';

const encoder = new TextEncoder();

function settledJob() {
  const ledger = new TestLedger();
  const job = newJobId();
  ledger.add(issue(alice, 1_000_000));
  ledger.add(reserve(alice, 1_000, job));
  const [entry] = ledger.settle(job, { inputTokens: 10, outputTokens: 1_000 });
  if (entry?.kind !== 'settle') throw new Error('not settled');
  return { ledger, job, entry };
}

const newsOf = (...entries: Parameters<typeof writeEntry>[0][]) =>
  readLedgerNews(encoder.encode(entries.map((entry) => `${writeEntry(entry)}\n`).join('')));

describe('news of the ledger', () => {
  test('of a settled job are who was paid for what', () => {
    const { entry, job, ledger } = settledJob();
    const { settled, changesPrices } = newsOf(...ledger.entries);
    expect(settled.map(receiptOf)).toMatchObject([
      { n: entry.n, job, worker: entry.worker, outputTokens: 1_000, earned: entry.pay, isOwn: false },
    ]);
    expect(changesPrices).toBe(true);
    expect(receiptsOf(ledger.entries, erin)).toHaveLength(1);
    expect(receiptsOf(ledger.entries, bob)).toEqual([]);
  });

  test('concern the accounts that it moves credits of, and no others', () => {
    const { entry } = settledJob();
    const news = newsOf(entry);
    expect([alice, erin, bob].map((account) => news.changesAccount(account))).toEqual([true, true, false]);
    expect(news.changesPrices).toBe(false);
  });

  test('are not taken from the words of a memo', () => {
    const ledger = new TestLedger();
    ledger.add(issue(alice, 100));
    const memo = '{"kind":"price"},{"kind":"settle"},"account":"bob"';
    const [entry] = ledger.add({ ...transfer(alice, erin, 5), memo });
    const news = newsOf(entry as Parameters<typeof writeEntry>[0]);
    expect(news).toMatchObject({ settled: [], changesPrices: false });
    expect(news.changesAccount(bob)).toBe(false);
  });

  test('of what is no entry there are none', () => {
    expect(readLedgerNews(encoder.encode('{"kind":"settle"}\n{"kind":"settle",\nhello'))).toMatchObject({
      settled: [],
      changesPrices: false,
    });
  });
});
