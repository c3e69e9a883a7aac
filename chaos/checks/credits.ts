import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openLedger } from '../../src/runtime/bus/ledger.ts';
import { PART_GRACE_MS } from '../../src/runtime/director/settler.ts';
import { type Entry, ISSUED } from '../../src/runtime/ledger/entry.ts';
import type { LedgerView } from '../../src/runtime/ledger/state.ts';
import { type MicroCredits, microCredits } from '../../src/runtime/protocol/credits.ts';
import type { JobId } from '../../src/runtime/protocol/ids.ts';
import { isCutShort, type Result } from '../../src/runtime/protocol/result.ts';
import type { Ends } from '../records.ts';
import type { Problem } from './problem.ts';

const LOOK_MS = 250;
/** So long a director may take to look at what it has read, in milliseconds. */
const LATE_MS = 2_000;
/** A result that a killed director had at hand is settled by another one after its time, in milliseconds. */
const SETTLED_MS = 60_000;

export interface CreditsFigures {
  readonly entries: number;
  readonly settled: number;
  /** Those among them of jobs that were cut short: for what was delivered. */
  readonly cutShort: number;
  readonly refunded: number;
  /** To the owners of workers. */
  readonly paid: MicroCredits;
  /** To the operator. */
  readonly share: MicroCredits;
  /** Reservations that nobody has ended. */
  readonly open: number;
  /** What all accounts have beside what was issued: 0, or credits were lost (−) or made (+). */
  readonly lost: MicroCredits;
}

/**
 * Every job that has ended is settled or refunded, once and as it ended; nothing is held any more, and nothing was lost
 * or made. The ledger is read as a director reads it: each entry is checked against the chain and the rules.
 */
export async function checkCredits(
  connection: NatsConnection,
  ends: Ends,
): Promise<{ readonly problems: readonly Problem[]; readonly figures: CreditsFigures }> {
  const { records } = ends;
  const problems: Problem[] = [];
  const say = (detail: string) => problems.push({ check: 'credits', detail });
  const entries: Entry[] = [];
  const manager = await jetstreamManager(connection);
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: object, message: string) => say(message),
    error: ({ reason }: { reason?: unknown }, message: string) => say(`${message}: ${reason}`),
  };
  await using ledger = await openLedger(
    { connection, manager },
    { log, listeners: [(added) => entries.push(...added)] },
  );
  const open = () => [...ledger.state.reservations()].map(([job]) => job);
  const until = Date.now() + SETTLED_MS;
  while (open().length > 0 && Date.now() < until) await delay(LOOK_MS);
  for (const job of open()) say(`job ${job}: credits are held for it still`);
  const ofJob = Map.groupBy(entries, (entry) => ('job' in entry ? entry.job : undefined));
  for (const [job, record] of records) {
    const of = ofJob.get(job) ?? [];
    const kinds = of.map(describe);
    const expected = endOf(job, record, ends).map((end) => `reserve,${end}`);
    if (!expected.includes(kinds.join()))
      say(`job ${job}: ${record.status}, and the ledger says ${kinds.join(', ') || 'nothing'}`);
    const paidFor = of.find((entry) => entry.kind === 'settle')?.counts.outputTokens ?? 0;
    const shown = record.status === 'done' ? record.tokens.length : (ends.shown.get(job) ?? 0);
    if (paidFor > shown) say(`job ${job}: ${paidFor} tokens are paid for, ${shown} were delivered`);
  }
  for (const [job, of] of ofJob) {
    if (job === undefined || records.has(job as JobId)) continue;
    say(`job ${job}: without a result, and the ledger says ${of.map(describe).join(', ')}`);
  }
  const figures = figuresOf(entries, ledger.state, open().length, records);
  if (figures.lost !== 0) say(`${figures.lost} micro-credits were lost or made`);
  return { problems, figures };
}

/** How a job's reservation may have ended. */
function endOf(job: JobId, record: Result, { shown, writtenAt }: Ends): string[] {
  const { status } = record;
  if (status === 'done') return ['settle'];
  const refund = `refund (${status})`;
  const isPaid = isCutShort(record) && record.part !== undefined && record.part.tokens.length > 0;
  if (!isPaid || !shown.has(job)) return [refund];
  // Its worker may have said it when nobody waited for it any more.
  const isLate = (writtenAt.get(job) ?? 0) - (record.endedAt ?? 0) > PART_GRACE_MS - LATE_MS;
  return isLate ? [refund, 'settle'] : ['settle'];
}

function describe(entry: Entry): string {
  return entry.kind === 'refund' ? `refund (${entry.reason})` : entry.kind;
}

function figuresOf(
  entries: readonly Entry[],
  state: LedgerView,
  open: number,
  records: Ends['records'],
): CreditsFigures {
  const settled = entries.filter((entry) => entry.kind === 'settle');
  const total = (amounts: readonly number[]) =>
    microCredits(amounts.reduce((sum, amount) => sum + amount, 0));
  const all = [...state.balances()];
  const issued = -state.balance(ISSUED).available;
  const held = all.filter(([account]) => account !== ISSUED);
  return {
    entries: entries.length,
    settled: settled.length,
    cutShort: settled.filter(({ job }) => records.get(job)?.status !== 'done').length,
    refunded: entries.filter(({ kind }) => kind === 'refund').length,
    paid: total(settled.map(({ pay }) => pay)),
    share: total(settled.map(({ share }) => share)),
    open,
    lost: microCredits(total(held.map(([, { available, reserved }]) => available + reserved)) - issued),
  };
}
