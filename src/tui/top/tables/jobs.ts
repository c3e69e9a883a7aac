import type { JobRow } from '../../../runtime/monitor/grid-snapshot.ts';
import type { TableKind } from '../table.ts';
import type { Style } from '../theme.ts';
import { age, count, latency, rate } from '../units.ts';
import { numbers, optional, words } from './columns.ts';

const JOB_STATES: Record<JobRow['status'], { rank: number; style: Style }> = {
  running: { rank: 0, style: 'accent' },
  waiting: { rank: 1, style: 'warn' },
  failed: { rank: 2, style: 'bad' },
  cancelled: { rank: 3, style: 'dim' },
  done: { rank: 4, style: 'good' },
};
/** Milliseconds since 1970 stay below this, so that a rank and a time make one number. */
const ERA = 1e13;

/** For a running job since its acceptance, for an ended one since its end. */
function since({ acceptedAt, endedAt }: JobRow): number | undefined {
  return endedAt ?? acceptedAt;
}

export const JOBS: TableKind<JobRow> = {
  id: ({ id }) => id,
  search: ({ id, status, model, worker, account, tier, code }) =>
    [id, status, model, worker, account, tier, code].join(' '),
  sort: { column: 'state', descending: false },
  empty: 'No job yet: aipg gen "Hello" makes one.',
  columns: [
    words('job', 'JOB', { min: 8, max: 26, rank: 0 }, ({ id }) => id),
    {
      id: 'state',
      title: 'STATE',
      min: 9,
      rank: 0,
      text: ({ status }) => status,
      // In each state the newest first.
      key: (row) => JOB_STATES[row.status].rank * ERA + (ERA - 1 - (since(row) ?? 0)),
      style: ({ status }) => JOB_STATES[status].style,
    },
    words('model', 'MODEL', { min: 10, max: 40, rank: 1 }, ({ model }) => model),
    words('worker', 'WORKER', { min: 10, max: 30, rank: 2 }, ({ worker }) => worker),
    words('tier', 'TIER', { min: 8, rank: 6 }, ({ tier }) => tier),
    {
      id: 'attempt',
      title: 'TRY',
      align: 'right',
      min: 4,
      rank: 4,
      text: ({ attempt }) => (attempt === 0 ? '-' : String(attempt)),
      key: ({ attempt }) => attempt,
      style: ({ attempt }) => (attempt > 1 ? 'warn' : undefined),
    },
    numbers('tokens', 'TOKENS', { min: 7, rank: 1 }, ({ tokens }) => tokens, count),
    numbers('rate', 'TOK/S', { min: 6, rank: 3 }, ({ tokensPerSecond }) => tokensPerSecond, rate),
    numbers('first', 'FIRST', { min: 6, rank: 5 }, ({ firstTokenMs }) => firstTokenMs, latency),
    {
      id: 'age',
      title: 'AGE',
      align: 'right',
      min: 5,
      rank: 1,
      text: (row, now) => optional(since(row), (at) => age(now - at)),
      key: (row) => -(since(row) ?? 0),
    },
  ],
};
