import type { KnownEarnings, ReceiptRow } from '../../../runtime/monitor/grid-snapshot.ts';
import type { TableKind } from '../table.ts';
import { count, credits, timeOrDay } from '../units.ts';
import { numbers, words } from './columns.ts';

/** For how long a receipt that has come is told apart, in milliseconds. */
const NEW_MS = 2_000;
/** Of a model without a name: as much of its file's sha256. */
const SHA256_SHOWN = 12;

type Earned = KnownEarnings['models'][number];

export const EARNED: TableKind<Earned> = {
  id: ({ model }) => model,
  search: ({ name, model }) => name ?? model,
  sort: { column: 'earned', descending: true },
  empty: 'Nothing in 7 days. aipg worker serves a model and earns.',
  columns: [
    words('model', 'MODEL, 7 DAYS', { min: 14, max: 60, rank: 0 }, ({ name, model }) => nameOf(name, model)),
    numbers('jobs', 'JOBS', { min: 6, rank: 1 }, ({ jobs }) => jobs, count),
    numbers('tokens', 'TOKENS', { min: 7, rank: 1 }, ({ outputTokens }) => outputTokens, count),
    numbers('earned', 'EARNED', { min: 12, rank: 0 }, ({ earned }) => earned, credits),
  ],
};

export interface NamedReceipt extends ReceiptRow {
  /** Of the model, on the rate card. */
  readonly name: string | null;
}

export const RECEIPTS: TableKind<NamedReceipt> = {
  id: ({ n }) => String(n),
  search: ({ job }) => job,
  style: () => undefined,
  sort: { column: 'settled', descending: true },
  empty: 'No receipt yet.',
  columns: [
    {
      id: 'settled',
      title: 'SETTLED',
      min: 8,
      rank: 0,
      text: ({ at }, now) => timeOrDay(at, now),
      key: ({ n }) => n,
    },
    words('model', 'MODEL', { min: 10, max: 40, rank: 1 }, ({ name, model }) => nameOf(name, model)),
    words('worker', 'WORKER', { min: 14, max: 30, rank: 2 }, ({ worker }) => worker),
    words('job', 'JOB', { min: 10, max: 26, rank: 3 }, ({ job }) => job),
    numbers('tokens', 'TOKENS', { min: 7, rank: 1 }, ({ outputTokens }) => outputTokens, count),
    {
      id: 'earned',
      title: 'EARNED',
      align: 'right',
      min: 12,
      rank: 0,
      // Nobody pays for work that was one's own account's to begin with.
      text: ({ earned, isOwn }) => (isOwn ? 'own' : credits(earned)),
      key: ({ earned }) => earned,
      style: ({ isOwn }) => (isOwn ? 'dim' : 'good'),
    },
  ],
};

/** Those that have just come stand out for a moment. */
export function receiptsAt(now: number): TableKind<NamedReceipt> {
  return { ...RECEIPTS, style: ({ at }) => (Math.abs(now - at) < NEW_MS ? 'strong' : undefined) };
}

function nameOf(name: string | null, model: string): string {
  return name ?? model.slice(0, SHA256_SHOWN);
}
