import type { GridSnapshot } from '../../runtime/monitor/grid-snapshot.ts';
import { beside, drawTop, split } from './blocks.ts';
import { drawGraph, type GraphOptions } from './graph.ts';
import type { TableKind } from './table.ts';
import { JOBS } from './tables/jobs.ts';
import { modelsTable } from './tables/models.ts';
import { workersTable } from './tables/workers.ts';
import type { Theme } from './theme.ts';
import { count, latency, rate } from './units.ts';

const WIDE = 110;
const VERY_WIDE = 150;

/** Graphs of the last minutes, and the tops of the tables. */
export function drawOverview(
  snapshot: GridSnapshot,
  width: number,
  height: number,
  now: number,
  theme: Theme,
): string[] {
  const across = width >= VERY_WIDE ? 3 : 2;
  const tall = Math.max(4, Math.min(12, Math.floor((0.45 * height) / 2)));
  const graphs = graphsOf(snapshot).slice(0, 2 * across);
  const lines: string[] = [];
  for (const row of [graphs.slice(0, across), graphs.slice(across)]) {
    const widths = split(width, across);
    lines.push(
      ...beside(
        row.map((graph, i) => drawGraph(graph, widths[i] ?? 0, tall, theme)),
        widths,
      ),
    );
  }
  return [...lines, '', ...drawTops(snapshot, width, height - lines.length - 1, now, theme)];
}

function drawTops(
  { models, workers, jobs, isPaid }: GridSnapshot,
  width: number,
  height: number,
  now: number,
  theme: Theme,
): string[] {
  const table = <Row>(kind: TableKind<Row>, rows: Iterable<Row>, columns: number, lines: number) =>
    drawTop(kind, rows, { width: columns, height: lines, now, theme });
  const first = Math.min(Math.max(1, models.size) + 1, Math.max(2, Math.floor(height / 4)));
  const top = [...table(modelsTable(isPaid), models.values(), width, first), ''];
  const rest = height - top.length;
  if (width >= WIDE) {
    const [left = 0, right = 0] = split(width, 2);
    const columns = [
      table(workersTable(isPaid), workers.values(), left, rest),
      table(JOBS, jobs.values(), right, rest),
    ];
    return [...top, ...beside(columns, [left, right])];
  }
  const second = Math.min(Math.max(1, workers.size) + 1, Math.floor((rest - 1) / 2));
  const middle = [...table(workersTable(isPaid), workers.values(), width, second), ''];
  return [...top, ...middle, ...table(JOBS, jobs.values(), width, rest - middle.length)];
}

function graphsOf({ history, rates, totals }: GridSnapshot): GraphOptions[] {
  const { firstTokenP50Ms: p50, firstTokenP95Ms: p95 } = rates;
  const first = p50 === undefined || p95 === undefined ? '-' : `p50 ${latency(p50)}  p95 ${latency(p95)}`;
  return [
    {
      title: 'jobs/s',
      now: rate(rates.jobsPerSecond),
      values: history.jobsPerSecond,
      format: count,
      style: 'accent',
    },
    {
      title: 'tokens/s',
      now: rate(rates.tokensPerSecond),
      values: history.tokensPerSecond,
      format: count,
      style: 'good',
    },
    { title: 'waiting', now: count(totals.waiting), values: history.waiting, format: count, style: 'warn' },
    {
      title: 'first token',
      now: first,
      values: history.firstTokenP95Ms,
      lower: history.firstTokenP50Ms,
      format: latency,
      style: 'warn',
      lowerStyle: 'good',
    },
    {
      title: 'busy slots',
      now: `${count(totals.busy)} of ${count(totals.slots)}`,
      values: history.busy,
      format: count,
      style: 'accent',
    },
    { title: 'workers', now: count(totals.workers), values: history.workers, format: count, style: 'good' },
  ];
}
