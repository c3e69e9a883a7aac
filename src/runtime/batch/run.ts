import { setTimeout as delay } from 'node:timers/promises';
import type { Grid, JobHandle } from '../grids/grid.ts';
import { AipgError } from '../protocol/errors.ts';
import {
  type AnsweredLine,
  answerLine,
  BatchStopped,
  CLIENT_STOPPED,
  type LineContext,
} from './answer-line.ts';
import type { DoneLines } from './done.ts';
import type { InputLine } from './lines.ts';
import type { RecordSink } from './sink.ts';
import { ReorderWindow, startedAtMost } from './window.ts';

/** How long the grid may take to hear of the cancels before the batch ends anyway, in milliseconds. */
const CANCEL_WAIT_MS = 1_000;
/** Used when `lostMs` is not given. */
const LOST_MS = 75_000;

export interface RunBatchOptions extends Omit<LineContext, 'running'> {
  readonly lines: AsyncIterable<InputLine>;
  readonly sink: RecordSink;
  /** Write in the order of the input. */
  readonly ordered: boolean;
  /** Lines that are not to be answered, as they are in the output already. */
  readonly done: DoneLines;
  /** An earlier run of this batch was stopped: it may have submitted jobs that it did not come to write. */
  readonly resumed: boolean;
  /** Lines that may be in work at once, asked before each: it may change. */
  readonly inFlight: () => number;
  /** How long the grid may be out of reach, in milliseconds. Default: 75 s; a bus that restarts is back sooner. */
  readonly lostMs?: number | undefined;
  /** Called for each line that was answered, in whatever order. */
  readonly onAnswered: (line: AnsweredLine) => void;
}

/**
 * Answers every line that is not done yet. Memory does not grow with the count of lines: a line is read when it can be
 * started, and started when its record will find a place.
 * @throws AipgError what keeps the grid or the output from going on; the signal's reason. Jobs in work are cancelled.
 */
export async function runBatch(options: RunBatchOptions): Promise<void> {
  const { lines, sink, ordered, done, resumed, inFlight, onAnswered, key } = options;
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  const running = new Set<JobHandle>();
  const context: LineContext = { ...options, signal, running };
  const window = ordered ? new ReorderWindow({ next: 0 }) : undefined;
  const works = new Set<Promise<void>>();
  let changed = Promise.withResolvers<void>();

  /** @param place among the lines that this run starts, which is their order in the output */
  const answer = async (line: InputLine, place: number, again: boolean): Promise<void> => {
    try {
      const answered = await answerLine(context, line, again);
      onAnswered(answered);
      const ready = window ? window.add(place, answered.record) : answered.record;
      if (ready !== '') await sink.write(ready);
    } catch (error) {
      stopped.abort(error instanceof BatchStopped ? error.error : error);
    }
  };
  const hasRoom = (place: number) => works.size < Math.max(1, inFlight()) && (window?.hasRoom(place) ?? true);
  const onAbort = () => changed.resolve();
  signal.addEventListener('abort', onAbort);
  using _reach = watchReach(options.grid, options.lostMs ?? LOST_MS, (error) => stopped.abort(error));

  // Lines that an earlier run may have started: the first that it retried, and the first that it had not come to.
  const mayBeAgain = startedAtMost(inFlight());
  let place = 0;
  let missing = 0;
  try {
    for await (const line of lines) {
      if (done.has(line.index)) continue;
      while (!hasRoom(place) && !signal.aborted) {
        changed = Promise.withResolvers();
        await changed.promise;
      }
      signal.throwIfAborted();
      const retried = key.retry?.lines.has(line.index) ?? false;
      const again = resumed && (retried ? place : missing) < mayBeAgain;
      if (!retried) missing += 1;
      const work = answer(line, place++, again).finally(() => {
        works.delete(work);
        changed.resolve();
      });
      works.add(work);
    }
    while (works.size > 0 && !signal.aborted) {
      changed = Promise.withResolvers();
      await changed.promise;
    }
    signal.throwIfAborted();
    await sink.finish();
  } catch (error) {
    if (!signal.aborted) stopped.abort(error);
    await Promise.race([cancelAll(running, works), delay(CANCEL_WAIT_MS, undefined, { ref: false })]);
    // What was written is whole and stays; what keeps it from being safe is not what stopped the batch.
    await sink.finish().catch(() => undefined);
    throw signal.reason;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits out a short loss of the grid. Its jobs find out by themselves what nobody could tell in between. */
function watchReach(grid: Grid, lostMs: number, onLost: (error: AipgError) => void): Disposable {
  let lost: NodeJS.Timeout | undefined;
  const watch = grid.watchReach((reach) => {
    if (reach === 'lost') {
      lost ??= setTimeout(() => {
        onLost(
          new AipgError('grid-unreachable', `${grid.name} has been out of reach for ${lostMs / 1_000} s.`),
        );
      }, lostMs);
      return;
    }
    clearTimeout(lost);
    lost = undefined;
  });
  return {
    [Symbol.dispose]: () => {
      clearTimeout(lost);
      watch[Symbol.dispose]();
    },
  };
}

async function cancelAll(running: Set<JobHandle>, works: Set<Promise<void>>): Promise<void> {
  await Promise.allSettled([...running].map((handle) => handle.cancel(CLIENT_STOPPED)));
  await Promise.allSettled(works);
}
