import type { WorkerRow } from '../../../runtime/monitor/grid-snapshot.ts';
import { reliability } from '../../../runtime/monitor/reputation.ts';
import type { TableKind } from '../table.ts';
import type { Style } from '../theme.ts';
import { age, count, credits, rate, share } from '../units.ts';
import { numbers, words } from './columns.ts';

const WORKER_STYLES: Partial<Record<WorkerRow['state'], Style>> = {
  serving: 'good',
  loading: 'accent',
  paused: 'warn',
  draining: 'warn',
};

const WORKERS: TableKind<WorkerRow> = {
  id: ({ id }) => id,
  search: ({ id, state, models, version, region = '', reason = '' }) =>
    [id, state, ...models, version, region, reason].join(' '),
  style: ({ state }) => (state === 'lost' || state === 'gone' ? 'dim' : undefined),
  sort: { column: 'rate', descending: true },
  empty: 'No worker: aipg worker starts one.',
  columns: [
    words('worker', 'WORKER', { min: 21, max: 40, rank: 0 }, ({ id }) => id),
    {
      id: 'state',
      title: 'STATE',
      min: 12,
      rank: 0,
      text: ({ state, loaded, seenAt }, now) => {
        if (state === 'loading') return `loading ${Math.floor(100 * (loaded ?? 0))}%`;
        return state === 'lost' || state === 'gone' ? `${state} ${age(now - seenAt)}` : state;
      },
      key: ({ state }) => state,
      style: ({ state }) => WORKER_STYLES[state],
    },
    {
      id: 'models',
      title: 'MODELS',
      min: 12,
      max: 60,
      rank: 1,
      text: ({ models }) => models.join(', '),
      key: ({ models }) => models.join(),
    },
    {
      id: 'slots',
      title: 'SLOTS',
      align: 'right',
      min: 7,
      rank: 0,
      text: ({ busy, slots }) => `${busy}/${slots}`,
      key: ({ busy, slots }) => busy / slots,
      style: ({ busy, slots }) => (busy === slots ? 'warn' : undefined),
    },
    numbers('rate', 'TOK/S', { min: 6, rank: 1 }, ({ tokensPerSecond }) => tokensPerSecond, rate),
    numbers('done', 'DONE', { min: 6, rank: 2 }, ({ done }) => done, count),
    {
      ...numbers('failed', 'FAILED', { min: 7, rank: 3 }, ({ failed }) => failed, count),
      style: ({ failed }) => (failed > 0 ? 'bad' : undefined),
    },
    {
      id: 'reputation',
      title: 'REPUTATION',
      align: 'right',
      min: 11,
      rank: 4,
      text: ({ reputation }) => share(reliability(reputation)),
      key: ({ reputation }) => reliability(reputation) ?? -1,
      style: ({ reputation }) => ((reliability(reputation) ?? 1) < 0.9 ? 'warn' : undefined),
    },
    words('region', 'REGION', { min: 10, max: 20, rank: 6 }, ({ region = '-' }) => region),
    words('version', 'VERSION', { min: 9, rank: 5 }, ({ version }) => version),
    {
      id: 'up',
      title: 'UP',
      align: 'right',
      min: 4,
      rank: 4,
      text: ({ startedAt }, now) => age(now - startedAt),
      key: ({ startedAt }) => -startedAt,
    },
  ],
};

const EARNING: TableKind<WorkerRow> = {
  ...WORKERS,
  columns: [
    ...WORKERS.columns,
    numbers('earned', 'EARNED', { min: 12, rank: 2 }, ({ earned }) => earned, credits),
  ],
};

/** @param isPaid whether workers earn */
export function workersTable(isPaid: boolean): TableKind<WorkerRow> {
  return isPaid ? EARNING : WORKERS;
}
