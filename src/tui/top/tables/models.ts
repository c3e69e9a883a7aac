import type { ModelRow } from '../../../runtime/monitor/grid-snapshot.ts';
import type { TableKind } from '../table.ts';
import { count, latency, price, rate } from '../units.ts';
import { numbers, optional, words } from './columns.ts';

const MODELS: TableKind<ModelRow> = {
  id: ({ name }) => name,
  search: ({ name }) => name,
  sort: { column: 'slots', descending: true },
  empty: 'No model is served.',
  columns: [
    words('model', 'MODEL', { min: 16, max: 80, rank: 0 }, ({ name }) => name),
    {
      ...numbers('workers', 'WORKERS', { min: 8, rank: 2 }, ({ workers }) => workers, count),
      style: ({ workers }) => (workers === 0 ? 'bad' : undefined),
    },
    {
      id: 'slots',
      title: 'SLOTS',
      align: 'right',
      min: 11,
      rank: 0,
      text: ({ busy, slots }) => `${count(busy)}/${count(slots)}`,
      key: ({ slots }) => slots,
    },
    {
      ...numbers('waiting', 'WAITING', { min: 8, rank: 0 }, ({ waiting }) => waiting, count),
      style: ({ waiting }) => (waiting > 0 ? 'warn' : undefined),
    },
    {
      id: 'wait',
      title: 'WAIT',
      align: 'right',
      min: 6,
      rank: 1,
      text: ({ waiting, waitMs }) => (waiting === 0 ? '0s' : optional(waitMs, latency)),
      key: ({ waitMs }) => waitMs,
    },
    numbers('jobs', 'JOBS/S', { min: 7, rank: 1 }, ({ jobsPerSecond }) => jobsPerSecond, rate),
    numbers('rate', 'TOK/S', { min: 6, rank: 1 }, ({ tokensPerSecond }) => tokensPerSecond, rate),
  ],
};

const PRICED: TableKind<ModelRow> = {
  ...MODELS,
  columns: [
    ...MODELS.columns,
    numbers('prompt', 'PROMPT/M', { min: 9, rank: 3 }, ({ price: of }) => of?.input, price),
    numbers('output', 'OUTPUT/M', { min: 9, rank: 1 }, ({ price: of }) => of?.output, price),
  ],
};

/** @param isPaid whether models have prices, in credits per million tokens */
export function modelsTable(isPaid: boolean): TableKind<ModelRow> {
  return isPaid ? PRICED : MODELS;
}
