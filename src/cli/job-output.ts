import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Grid, JobHandle } from '../runtime/grids/grid.ts';
import { type Charge, chargeFor } from '../runtime/protocol/charge.ts';
import { formatCredits, type MicroCredits } from '../runtime/protocol/credits.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import type { JobEvent, Outcome } from '../runtime/protocol/events.ts';
import type { JobSpec } from '../runtime/protocol/job.ts';
import { Interrupted } from './stop-signal.ts';
import { formatDuration, paint, withoutControls } from './terminal.ts';

/** How long the grid may take to hear of a cancel before the process ends anyway, in milliseconds. */
const CANCEL_WAIT_MS = 1_000;

export interface Answer {
  readonly text: string;
  readonly outcome: Outcome;
  /** From the submit to the first text here, and to the end, in milliseconds. */
  readonly firstTextMs: number;
  readonly totalMs: number;
  /** What held for its credits; absent where nothing is paid. */
  readonly charge?: Charge | undefined;
}

export interface FollowOptions {
  readonly onEvent?: (event: JobEvent) => void;
  /** Whether an abort ends the job, too. Default: true. */
  readonly cancelOnStop?: boolean;
}

/**
 * Follows a job to its end and hands on each piece of text as it comes. On abort the job is cancelled.
 * @throws AipgError what the job failed with, `cancelled`; the signal's reason
 */
export async function followJob(
  job: JobHandle,
  onText: (text: string) => void,
  signal: AbortSignal,
  { onEvent, cancelOnStop = true }: FollowOptions = {},
): Promise<Answer> {
  const startedAt = performance.now();
  let firstTextAt: number | undefined;
  let text = '';
  let tokens = 0;
  const onCancelled = async () => {
    if (tokens > 0 && mayBeTold(signal.reason) && (await job.charge())) tellPaid(tokens);
  };
  for await (const event of untilAborted(job, signal, cancelOnStop ? onCancelled : undefined)) {
    onEvent?.(event);
    if (event.type === 'chunk') {
      firstTextAt ??= performance.now();
      text += event.text;
      tokens += event.tokens.length;
      onText(event.text);
    } else if (event.type === 'failed') {
      const { code, message, hint } = event.error;
      throw new AipgError(code, message, hint === undefined ? {} : { hint });
    } else if (event.type === 'cancelled') {
      throw new AipgError('cancelled', `The job was cancelled (${event.reason}).`);
    } else if (event.type === 'done') {
      const endedAt = performance.now();
      const firstTextMs = (firstTextAt ?? endedAt) - startedAt;
      const charge = await job.charge();
      return { text, outcome: event.outcome, firstTextMs, totalMs: endedAt - startedAt, charge };
    }
  }
  throw new AipgError('internal', `Job ${job.id} ended without a final event.`);
}

async function* untilAborted(
  job: JobHandle,
  signal: AbortSignal,
  onCancelled: (() => Promise<void>) | undefined,
): AsyncGenerator<JobEvent> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const events = job.events()[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([events.next(), aborted.promise]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (signal.aborted && onCancelled) {
      const told = (isCancelled: boolean) => (isCancelled ? onCancelled() : undefined);
      const cancelled = job.cancel('the client stopped').then(told, () => undefined);
      await Promise.race([cancelled, delay(CANCEL_WAIT_MS, undefined, { ref: false })]);
    }
    // It may be in the middle of the next event, and is to let go of what it holds.
    void events.return?.().catch(() => undefined);
  }
}

/** A conversation on a terminal goes on, and whoever closed the pipe is told nothing. */
function mayBeTold(reason: unknown): boolean {
  return reason instanceof Interrupted || (reason instanceof AipgError && reason.code === 'timeout');
}

function tellPaid(tokens: number): void {
  process.stderr.write(
    `\nThe ${tokens} tokens that have come are paid for, and the prompt, unless your own worker gave them: aipg ledger log\n`,
  );
}

/** Writes the answer to stdout as it comes, and a line break at its end if it has none. */
export class AnswerWriter {
  #last = '\n';

  write(text: string): void {
    if (text === '') return;
    const safe = process.stdout.isTTY ? withoutControls(text) : text;
    process.stdout.write(safe);
    this.#last = safe.at(-1) ?? this.#last;
  }

  end(): void {
    if (this.#last !== '\n') process.stdout.write('\n');
    this.#last = '\n';
  }
}

/** The documented object of `gen --json`. */
export function answerJson(
  grid: Grid,
  job: JobSpec,
  { text, outcome, firstTextMs, totalMs, charge }: Answer,
) {
  return {
    id: job.id,
    model: outcome.model,
    modelSha256: outcome.modelSha256,
    text,
    finishReason: outcome.finishReason,
    tokens: { prompt: outcome.promptTokens, output: outcome.outputTokens },
    timings: {
      firstTextMs: round(firstTextMs),
      totalMs: round(totalMs),
      tokensPerSecond: round(tokensPerSecond(outcome)),
    },
    cost: charge ? costJson(charge, outcome) : null,
    grid: grid.name,
    worker: outcome.worker ?? null,
    sampler: outcome.sampler,
    prompt: job.input.prompt,
    sampling: job.input.sampling,
    maxTokens: job.input.maxTokens,
    stop: job.input.stop,
    seed: job.input.seed,
    format: job.input.format ?? null,
  };
}

/** One line for people, on stderr. */
export function printStats(grid: Grid, { outcome, firstTextMs, charge }: Answer): void {
  const parts = [
    `${outcome.outputTokens} tokens`,
    `${tokensPerSecond(outcome).toFixed(1)} tokens/s`,
    `first after ${formatDuration(firstTextMs)}`,
    `prompt ${outcome.promptTokens} tokens`,
    outcome.model,
    outcome.worker === undefined ? grid.name : `${grid.name}, worker ${outcome.worker}`,
    ...(charge ? [`at most ${formatCredits(costOfOutcome(charge, outcome))} credits`] : []),
  ];
  process.stderr.write(`${paint(process.stderr).dim(parts.join(' · '))}\n`);
}

/** What the tokens come to, in whole micro-credits. A director that counts fewer takes less, and an own worker is free. */
function costJson(charge: Charge, outcome: Outcome) {
  return { atMost: costOfOutcome(charge, outcome), reserved: charge.most, price: charge.price };
}

function costOfOutcome(charge: Charge, { promptTokens, outputTokens }: Outcome): MicroCredits {
  return chargeFor(charge, { inputTokens: promptTokens, outputTokens });
}

/** Of the engine, after the first token; of the whole where there is only one. */
function tokensPerSecond({ outputTokens, timings }: Outcome): number {
  const seconds = (timings.totalMs - timings.firstTokenMs) / 1_000;
  if (outputTokens > 1 && seconds > 0) return (outputTokens - 1) / seconds;
  return timings.totalMs > 0 ? outputTokens / (timings.totalMs / 1_000) : 0;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
