import process from 'node:process';
import { readLogSwitch } from '../runtime/config/log-switch.ts';
import type { Paths } from '../runtime/config/paths.ts';
import type { Grid } from '../runtime/grids/grid.ts';
import type { History } from '../runtime/history/history.ts';
import type { LoggedJob } from '../runtime/history/logged-job.ts';
import { toAipgError } from '../runtime/protocol/errors.ts';
import type { JobSpec } from '../runtime/protocol/job.ts';
import type { Conversation } from './conversation.ts';
import { type Answer, answerJson } from './job-output.ts';
import { PipeClosed } from './stop-signal.ts';
import { warn } from './warn.ts';

export interface RecorderOptions {
  readonly paths: Paths;
  readonly grid: Grid;
  readonly conversation: Conversation;
  readonly model: string | undefined;
  readonly json: boolean;
}

/**
 * Keeps one job in the log. The log is opened while the model computes and written when the answer is out: nobody
 * waits for it, and where it fails the answer stands and stderr says so.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  #job: JobSpec | undefined;
  #createdAt = 0;
  #startedAt = 0;
  #firstTextMs: number | null = null;
  #text = '';
  #ended: Partial<LoggedJob> | undefined;
  #opening: Promise<History | undefined> | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** A job is about to be submitted. */
  start(job: JobSpec): void {
    this.#job = job;
    this.#createdAt = Date.now();
    this.#startedAt = performance.now();
  }

  /** A piece of its output came. */
  text(text: string): void {
    this.#firstTextMs ??= performance.now() - this.#startedAt;
    this.#text += text;
    this.#open();
  }

  answered(answer: Answer): void {
    if (this.#job === undefined) return;
    const { model, modelSha256, finishReason, tokens, timings, sampler, worker } = answerJson(
      this.#options.grid,
      this.#job,
      answer,
    );
    this.#ended = { status: 'done', model, modelSha256, finishReason, tokens, timings, sampler, worker };
  }

  failed(error: unknown): void {
    const failure = toAipgError(error).toJSON();
    const cancelled = error instanceof PipeClosed || failure.code === 'cancelled';
    this.#ended = {
      status: cancelled ? 'cancelled' : 'failed',
      error:
        error instanceof PipeClosed ? { code: 'cancelled', message: 'Whoever read it went away.' } : failure,
      timings: {
        firstTextMs: this.#firstTextMs,
        totalMs: performance.now() - this.#startedAt,
        tokensPerSecond: null,
      },
    };
  }

  /** Writes what there is to keep; nothing where no job was submitted. Never throws. */
  async write(): Promise<void> {
    const { grid, conversation, model, json } = this.#options;
    const job = this.#job;
    if (job === undefined || this.#ended === undefined) return;
    try {
      using history = await this.#open();
      history?.add({
        id: job.id,
        conversation: conversation.id ?? job.id,
        chat: conversation.name ?? null,
        createdAt: this.#createdAt,
        status: 'failed',
        input: job.input,
        text: this.#text,
        model: job.model ?? null,
        modelSha256: null,
        modelReference: model ?? null,
        sampler: null,
        finishReason: null,
        error: null,
        tokens: null,
        timings: { firstTextMs: null, totalMs: 0, tokensPerSecond: null },
        grid: grid.name,
        worker: null,
        ...this.#ended,
      });
    } catch (error) {
      warn(toAipgError(error), { json });
    }
  }

  /** The log; `undefined` where it is switched off. */
  #open(): Promise<History | undefined> {
    if (this.#opening === undefined) {
      this.#opening = openIfOn(this.#options.paths);
      // Told of when it is to be written.
      this.#opening.catch(() => undefined);
    }
    return this.#opening;
  }
}

async function openIfOn(paths: Paths): Promise<History | undefined> {
  if (!readLogSwitch(paths, process.env).on) return undefined;
  const { openHistory } = await import('../runtime/history/history.ts');
  return await openHistory(paths);
}
