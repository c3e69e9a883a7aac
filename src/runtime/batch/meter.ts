import type { AnsweredLine } from './answer-line.ts';

/** Rates are those of the last while, in milliseconds: what they were an hour ago says nothing of the rest. */
const WINDOW_MS = 15_000;
/** Between two samples, in milliseconds. */
const SAMPLE_MS = 500;

/** How far a batch is. */
export interface BatchProgress {
  /** Lines answered or failed, those of earlier runs included. */
  readonly done: number;
  /** `undefined` while it is not known. */
  readonly total: number | undefined;
  readonly failed: number;
  readonly linesPerSecond: number;
  readonly tokensPerSecond: number;
  /** Milliseconds to the end at the present rate; `undefined` when that cannot be told. */
  readonly remainingMs: number | undefined;
}

/** What one run of a batch did. */
export interface BatchTotals {
  /** Lines answered or failed, and output tokens, in this run. */
  readonly lines: number;
  readonly tokens: number;
  readonly elapsedMs: number;
}

interface Sample {
  readonly at: number;
  readonly lines: number;
  readonly tokens: number;
}

/** Counts what is answered and says how fast it goes. */
export class BatchMeter {
  readonly #total: number | undefined;
  readonly #before: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #samples: Sample[];
  #failed: number;
  #lines = 0;
  #tokens = 0;

  constructor(
    { total, done, failed }: { total: number | undefined; done: number; failed: number },
    now: () => number = () => performance.now(),
  ) {
    this.#total = total;
    this.#before = done;
    this.#failed = failed;
    this.#now = now;
    this.#startedAt = now();
    this.#samples = [{ at: this.#startedAt, lines: 0, tokens: 0 }];
  }

  add({ failed, outputTokens }: Pick<AnsweredLine, 'failed' | 'outputTokens'>): void {
    this.#lines += 1;
    this.#tokens += outputTokens;
    if (failed) this.#failed += 1;
    const at = this.#now();
    if (at - (this.#samples.at(-1) as Sample).at < SAMPLE_MS) return;
    this.#samples.push({ at, lines: this.#lines, tokens: this.#tokens });
    // The newest that is older than the window stays: rates are measured from it.
    const first = this.#samples.findLastIndex((sample) => sample.at <= at - WINDOW_MS);
    if (first > 0) this.#samples = this.#samples.slice(first);
  }

  progress(): BatchProgress {
    const since = this.#samples[0] as Sample;
    const seconds = (this.#now() - since.at) / 1_000;
    const rate = (count: number) => (seconds > 0 ? count / seconds : 0);
    const linesPerSecond = rate(this.#lines - since.lines);
    const done = this.#before + this.#lines;
    const left = this.#total === undefined ? undefined : this.#total - done;
    return {
      done,
      total: this.#total,
      failed: this.#failed,
      linesPerSecond,
      tokensPerSecond: rate(this.#tokens - since.tokens),
      remainingMs: left === undefined || linesPerSecond === 0 ? undefined : (1_000 * left) / linesPerSecond,
    };
  }

  totals(): BatchTotals {
    return { lines: this.#lines, tokens: this.#tokens, elapsedMs: this.#now() - this.#startedAt };
  }
}
