import type { JobRow, LogEntry, ModelRow, WorkerRow } from '../../runtime/monitor/grid-snapshot.ts';
import type { TableKind } from './table.ts';
import type { Style } from './theme.ts';
import { age, count, latency, rate, timeOfDay } from './units.ts';

const JOB_STATES: Record<JobRow['status'], { rank: number; style: Style }> = {
  running: { rank: 0, style: 'accent' },
  waiting: { rank: 1, style: 'warn' },
  failed: { rank: 2, style: 'bad' },
  cancelled: { rank: 3, style: 'dim' },
  done: { rank: 4, style: 'good' },
};
/** Milliseconds since 1970 stay below this, so that a rank and a time make one number. */
const ERA = 1e13;

const optional = <T>(value: T | undefined, format: (value: T) => string) =>
  value === undefined ? '-' : format(value);

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
    { id: 'job', title: 'JOB', min: 8, max: 26, rank: 0, text: ({ id }) => id, key: ({ id }) => id },
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
    {
      id: 'model',
      title: 'MODEL',
      min: 10,
      max: 40,
      rank: 1,
      text: ({ model }) => model ?? '-',
      key: ({ model }) => model,
    },
    {
      id: 'worker',
      title: 'WORKER',
      min: 10,
      max: 30,
      rank: 2,
      text: ({ worker }) => worker ?? '-',
      key: ({ worker }) => worker,
    },
    { id: 'tier', title: 'TIER', min: 8, rank: 6, text: ({ tier }) => tier ?? '-', key: ({ tier }) => tier },
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
    {
      id: 'tokens',
      title: 'TOKENS',
      align: 'right',
      min: 7,
      rank: 1,
      text: ({ tokens }) => count(tokens),
      key: ({ tokens }) => tokens,
    },
    {
      id: 'rate',
      title: 'TOK/S',
      align: 'right',
      min: 6,
      rank: 3,
      text: ({ tokensPerSecond }) => optional(tokensPerSecond, rate),
      key: ({ tokensPerSecond }) => tokensPerSecond,
    },
    {
      id: 'first',
      title: 'FIRST',
      align: 'right',
      min: 6,
      rank: 5,
      text: ({ firstTokenMs }) => optional(firstTokenMs, latency),
      key: ({ firstTokenMs }) => firstTokenMs,
    },
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

const WORKER_STYLES: Partial<Record<WorkerRow['state'], Style>> = {
  serving: 'good',
  loading: 'accent',
  paused: 'warn',
  draining: 'warn',
};

export const WORKERS: TableKind<WorkerRow> = {
  id: ({ id }) => id,
  search: ({ id, state, models, version, reason = '' }) => [id, state, ...models, version, reason].join(' '),
  style: ({ state }) => (state === 'lost' || state === 'gone' ? 'dim' : undefined),
  sort: { column: 'rate', descending: true },
  empty: 'No worker: aipg worker starts one.',
  columns: [
    { id: 'worker', title: 'WORKER', min: 14, max: 40, rank: 0, text: ({ id }) => id, key: ({ id }) => id },
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
    {
      id: 'rate',
      title: 'TOK/S',
      align: 'right',
      min: 6,
      rank: 1,
      text: ({ tokensPerSecond }) => rate(tokensPerSecond),
      key: ({ tokensPerSecond }) => tokensPerSecond,
    },
    {
      id: 'done',
      title: 'DONE',
      align: 'right',
      min: 6,
      rank: 2,
      text: ({ done }) => count(done),
      key: ({ done }) => done,
    },
    {
      id: 'failed',
      title: 'FAILED',
      align: 'right',
      min: 7,
      rank: 3,
      text: ({ failed }) => count(failed),
      key: ({ failed }) => failed,
      style: ({ failed }) => (failed > 0 ? 'bad' : undefined),
    },
    {
      id: 'version',
      title: 'VERSION',
      min: 9,
      rank: 5,
      text: ({ version }) => version,
      key: ({ version }) => version,
    },
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

export const MODELS: TableKind<ModelRow> = {
  id: ({ name }) => name,
  search: ({ name }) => name,
  sort: { column: 'slots', descending: true },
  empty: 'No model is served.',
  columns: [
    {
      id: 'model',
      title: 'MODEL',
      min: 16,
      max: 80,
      rank: 0,
      text: ({ name }) => name,
      key: ({ name }) => name,
    },
    {
      id: 'workers',
      title: 'WORKERS',
      align: 'right',
      min: 8,
      rank: 2,
      text: ({ workers }) => count(workers),
      key: ({ workers }) => workers,
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
      id: 'waiting',
      title: 'WAITING',
      align: 'right',
      min: 8,
      rank: 0,
      text: ({ waiting }) => count(waiting),
      key: ({ waiting }) => waiting,
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
    {
      id: 'jobs',
      title: 'JOBS/S',
      align: 'right',
      min: 7,
      rank: 1,
      text: ({ jobsPerSecond }) => rate(jobsPerSecond),
      key: ({ jobsPerSecond }) => jobsPerSecond,
    },
    {
      id: 'rate',
      title: 'TOK/S',
      align: 'right',
      min: 6,
      rank: 1,
      text: ({ tokensPerSecond }) => rate(tokensPerSecond),
      key: ({ tokensPerSecond }) => tokensPerSecond,
    },
  ],
};

const LEVEL_STYLES: Record<LogEntry['level'], Style | undefined> = {
  info: undefined,
  warn: 'warn',
  error: 'bad',
};

export const EVENTS: TableKind<LogEntry> = {
  id: ({ number }) => String(number),
  search: ({ level, about, id, what }) => [level, about, id, what].join(' '),
  sort: { column: 'time', descending: true },
  empty: 'Nothing has happened yet.',
  columns: [
    {
      id: 'time',
      title: 'TIME',
      min: 8,
      rank: 0,
      text: ({ at }) => timeOfDay(at),
      key: ({ number }) => number,
    },
    {
      id: 'level',
      title: 'LEVEL',
      min: 6,
      rank: 2,
      text: ({ level }) => level,
      key: ({ level }) => level,
      style: ({ level }) => LEVEL_STYLES[level],
    },
    { id: 'about', title: 'ABOUT', min: 6, rank: 3, text: ({ about }) => about, key: ({ about }) => about },
    { id: 'id', title: 'ID', min: 12, max: 30, rank: 1, text: ({ id }) => id, key: ({ id }) => id },
    {
      id: 'what',
      title: 'WHAT',
      min: 20,
      max: 200,
      rank: 0,
      text: ({ what }) => what,
      key: ({ what }) => what,
      style: ({ level }) => LEVEL_STYLES[level],
    },
  ],
};
