import { quantile } from '../bench/support/statistics.ts';
import type { DoneFault } from './faults.ts';
import type { Ends } from './records.ts';
import type { Stream } from './streams.ts';

export interface Spread {
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface Figures {
  readonly jobsPerSecond: number;
  readonly attempts: { readonly mean: number; readonly most: number };
  /**
   * Between two pieces of a stream, in milliseconds, while the worker that wrote it was killed, or was there and could
   * not be reached; no other fault under way.
   */
  readonly pause: { readonly killed: Spread | undefined; readonly unreachable: Spread | undefined };
  /** The same, with other faults under way. */
  readonly pauseAmongFaults: {
    readonly killed: Spread | undefined;
    readonly unreachable: Spread | undefined;
  };
  /** From when clients could connect to a restarted bus to the first new piece that any reader got, in milliseconds. */
  readonly busRestart: Spread | undefined;
}

export function measure(options: {
  readonly streams: readonly Stream[];
  readonly faults: readonly DoneFault[];
  readonly ends: Ends;
  readonly durationMs: number;
  /** The place in the grid of a worker, by its id. */
  readonly workerIndex: (id: string) => number;
}): Figures {
  const { streams, faults, ends, durationMs, workerIndex } = options;
  const attempts = [...ends.attempts.values()];
  const pauses = faults.flatMap((fault) => pausesBy(fault, streams, faults, workerIndex));
  const spreadOf = (isKill: boolean, alone: boolean) =>
    spread(pauses.filter((pause) => pause.isKill === isKill && (pause.alone || !alone)).map(({ ms }) => ms));
  const pieces = streams
    .flatMap(({ events }) => events.flatMap(({ at, event }) => (event.type === 'chunk' ? [at] : [])))
    .sort((a, b) => a - b);
  const restarts = faults.filter(({ fault }) => fault.target === 'bus' && fault.kind === 'kill');
  return {
    jobsPerSecond: (1_000 * ends.records.size) / durationMs,
    attempts: {
      mean: attempts.reduce((sum, n) => sum + n, 0) / Math.max(1, attempts.length),
      most: Math.max(0, ...attempts),
    },
    pause: { killed: spreadOf(true, true), unreachable: spreadOf(false, true) },
    pauseAmongFaults: { killed: spreadOf(true, false), unreachable: spreadOf(false, false) },
    busRestart: spread(
      restarts.flatMap(({ fault, until }) => {
        const first = pieces.find((at) => at >= until);
        const isHitAgain = faults.some(
          (other) =>
            other.fault !== fault &&
            other.fault.target === 'bus' &&
            other.from <= (first ?? until) &&
            other.until >= until,
        );
        return first === undefined || isHitAgain ? [] : [first - until];
      }),
    ),
  };
}

interface Pause {
  readonly ms: number;
  readonly isKill: boolean;
  readonly alone: boolean;
}

/** The pauses in streams that were in the middle when their worker was hit. */
function pausesBy(
  { fault, from, until }: DoneFault,
  streams: readonly Stream[],
  faults: readonly DoneFault[],
  workerIndex: (id: string) => number,
): Pause[] {
  if (fault.target !== 'worker' || fault.kind === 'delay' || fault.kind === 'drain') return [];
  const isKill = fault.kind === 'kill';
  return streams.flatMap(({ events }): Pause[] => {
    const lease = events.findLast(({ at, event }) => event.type === 'leased' && at < from)?.event;
    if (lease?.type !== 'leased' || workerIndex(lease.worker) !== fault.index) return [];
    const pieces = events.flatMap(({ at, event }) =>
      event.type === 'chunk' || event.type === 'done' ? [{ at, attempt: event.attempt }] : [],
    );
    const gaps = pieces.flatMap((piece, index) => {
      const before = pieces[index - 1];
      return before === undefined ? [] : [{ from: before.at, to: piece.at, attempt: piece.attempt }];
    });
    // After a kill, another attempt goes on; of a worker that came back soon enough it may be the same.
    const hit = gaps.filter(
      (gap) => gap.to >= from && (isKill ? gap.attempt > lease.attempt : gap.from <= until && gap.to > from),
    );
    const gap = isKill ? hit[0] : hit.toSorted((a, b) => b.to - b.from - (a.to - a.from))[0];
    if (gap === undefined || gap.from > until) return [];
    const alone = faults.every(
      (other) =>
        (other.fault === fault && other.from === from) ||
        other.until < gap.from - 1_000 ||
        other.from > gap.to,
    );
    return [{ ms: gap.to - gap.from, isKill, alone }];
  });
}

function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return {
    count: values.length,
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    max: Math.max(...values),
  };
}
