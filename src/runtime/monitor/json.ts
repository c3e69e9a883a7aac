import type { EarningsView, GridSnapshot } from './grid-snapshot.ts';

/** How many ended jobs and log entries are told, the newest. */
const MAX_TOLD = 100;

/** A snapshot as plain data with stable keys, for `--json`. */
export function snapshotJson(snapshot: GridSnapshot) {
  const { at, scope, connection, workers, models, jobs, totals, rates, earnings, log } = snapshot;
  const own = { at, scope, connection, earnings: toldEarnings(earnings) };
  if (scope === 'account') return own;
  const all = [...jobs.values()].map(({ steps: _, ...job }) => job);
  const ended = all.filter(({ endedAt }) => endedAt !== undefined);
  const told = new Set(ended.slice(-MAX_TOLD));
  return {
    ...own,
    totals,
    rates,
    workers: [...workers.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    models: [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    jobs: all.filter((job) => job.endedAt === undefined || told.has(job)),
    events: log.slice(-MAX_TOLD),
  };
}

function toldEarnings(earnings: EarningsView): EarningsView {
  return earnings.state === 'known'
    ? { ...earnings, receipts: earnings.receipts.slice(0, MAX_TOLD) }
    : earnings;
}
