import process from 'node:process';
import type { BatchMeter, BatchProgress, BatchTotals } from '../runtime/batch/meter.ts';
import { formatDuration, StatusLine } from './terminal.ts';

/** Between two drawings on a terminal, and between two lines elsewhere, in milliseconds. */
const DRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_CELLS = 20;

/** Shows on stderr how far a batch is, until disposed: a bar on a terminal, elsewhere a line now and then. */
export function showBatchProgress(
  meter: BatchMeter,
  stream: NodeJS.WriteStream = process.stderr,
): Disposable {
  const line = new StatusLine(stream);
  const draw = () => {
    if (stream.isTTY) line.show(formatBatchProgress(meter.progress(), true));
    else stream.write(`${formatBatchProgress(meter.progress(), false)}\n`);
  };
  const timer = setInterval(draw, stream.isTTY ? DRAW_MS : LINE_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      line.clear();
    },
  };
}

/** Such as `412 of 1,000 lines · 41 % · 52.1 lines/s · 1,210 tokens/s · 11.3 s left · 2 errors`. */
export function formatBatchProgress(progress: BatchProgress, bar: boolean): string {
  const { done, total, failed, linesPerSecond, tokensPerSecond, remainingMs } = progress;
  const share = total === undefined ? undefined : total === 0 ? 1 : done / total;
  const cells = Math.floor(BAR_CELLS * (share ?? 0));
  const parts = [
    total === undefined ? count(done, 'line') : `${integer(done)} of ${count(total, 'line')}`,
    ...(share === undefined ? [] : [`${Math.floor(100 * share)} %`]),
    `${rate(linesPerSecond)} lines/s`,
    `${rate(tokensPerSecond)} tokens/s`,
    ...(remainingMs === undefined ? [] : [`${formatDuration(remainingMs)} left`]),
    ...(failed === 0 ? [] : [count(failed, 'error')]),
  ];
  const drawn = bar && share !== undefined ? `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ` : '';
  return drawn + parts.join(' · ');
}

/** The last word on a batch, for people. */
export function formatBatchEnd(
  { done, failed }: BatchProgress,
  { lines, tokens, elapsedMs }: BatchTotals,
): string {
  const seconds = elapsedMs / 1_000;
  const before = done - lines;
  const parts = [
    `${count(lines, 'line')} in ${formatDuration(elapsedMs)}`,
    ...(before === 0 ? [] : [`${integer(before)} done before`]),
    ...(lines === 0 ? [] : [`${rate(lines / seconds)} lines/s`, `${rate(tokens / seconds)} tokens/s`]),
    failed === 0 ? 'no errors' : count(failed, 'error'),
  ];
  return parts.join(' · ');
}

function count(n: number, noun: string): string {
  return `${integer(n)} ${noun}${n === 1 ? '' : 's'}`;
}

function integer(n: number): string {
  return n.toLocaleString('en-US');
}

function rate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : integer(Math.round(perSecond));
}
