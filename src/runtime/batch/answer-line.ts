import { setTimeout as delay } from 'node:timers/promises';
import type { Grid, JobHandle } from '../grids/grid.ts';
import { type AnswerFormat, requireFormat } from '../json-schema/answer-format.ts';
import { AipgError, type ErrorCode, toAipgError } from '../protocol/errors.ts';
import type { JobSpec } from '../protocol/job.ts';
import type { ModelName } from '../protocol/model.ts';
import type { Result } from '../protocol/result.ts';
import { type BatchKey, lineJob, lineJobId } from './job.ts';
import type { InputLine } from './lines.ts';
import { answerRecord, errorRecord } from './record.ts';
import { type BatchDefaults, parseRequest, RefusedLine, type Tag } from './request.ts';

/** How a grid that cannot take a job now is asked again, in milliseconds; after the last the batch stops. */
const RETRY_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;

/** What is wrong with the grid and not with the line: no line is written off for it. */
const GRID_ERRORS: ReadonlySet<ErrorCode> = new Set(['grid-unreachable', 'protocol-mismatch']);

/** Why a batch cancels its jobs; what was cancelled so is asked again when the batch goes on. */
export const CLIENT_STOPPED = 'the client stopped';

/** Thrown when nothing of the batch can be answered any more. */
export class BatchStopped extends Error {
  readonly error: AipgError;

  constructor(error: AipgError) {
    super(error.message);
    this.error = error;
  }
}

export interface LineContext {
  readonly grid: Grid;
  readonly key: BatchKey;
  readonly defaults: BatchDefaults;
  /** The name by which the grid knows a model. @throws AipgError `usage`, `model-not-found` */
  readonly modelOf: (reference: string) => Promise<ModelName | undefined>;
  /** Jobs of this batch that run now. */
  readonly running: Set<JobHandle>;
  readonly signal: AbortSignal;
  readonly retryDelaysMs?: readonly number[];
}

/** A line's record, and what it adds to the count. */
export interface AnsweredLine {
  readonly record: string;
  readonly failed: boolean;
  readonly outputTokens: number;
}

/**
 * Answers one line; whatever is wrong with it becomes its record.
 * @param again its job may have been submitted before
 * @throws BatchStopped; the signal's reason
 */
export async function answerLine(
  context: LineContext,
  line: InputLine,
  again: boolean,
): Promise<AnsweredLine> {
  let tag: Tag = {};
  try {
    const request = parseRequest(line);
    tag = request;
    const reference = request.model ?? context.defaults.model;
    const { key, defaults } = context;
    const model = reference === undefined ? undefined : await context.modelOf(reference);
    const job = lineJob(request, { index: line.index, key, defaults, model });
    const format = await answerFormat(job);
    const result = await resultOfLine(context, line.index, job, again, request.model !== undefined);
    context.signal.throwIfAborted();
    if (result.status === 'done') {
      if (format) requireFormat(format, result, job.input);
      const record = answerRecord(line.index, tag, job, result.text, result.outcome);
      return { record, failed: false, outputTokens: result.outcome.outputTokens };
    }
    throw result.status === 'failed'
      ? failure(result.error)
      : new AipgError('cancelled', `The job was cancelled (${result.reason}).`);
  } catch (thrown) {
    context.signal.throwIfAborted();
    if (thrown instanceof BatchStopped) throw thrown;
    const refused = thrown instanceof RefusedLine;
    const error = refused ? thrown.error : toAipgError(thrown);
    const record = errorRecord(line.index, refused ? thrown.tag : tag, error);
    return { record, failed: true, outputTokens: 0 };
  }
}

/** Schemas that lines share are made ready once. */
const formats = new Map<string, AnswerFormat>();
const MAX_FORMATS = 64;

/** @throws AipgError `input-invalid` for a schema that cannot be enforced */
async function answerFormat({ input: { format } }: JobSpec): Promise<AnswerFormat | undefined> {
  if (format === undefined) return undefined;
  const key = JSON.stringify(format);
  const known = formats.get(key);
  if (known) return known;
  const { checkFormat } = await import('../json-schema/check.ts');
  if (formats.size >= MAX_FORMATS) formats.clear();
  const made = { format, check: checkFormat(format) };
  formats.set(key, made);
  return made;
}

/** Of the line's job; of a further one where an earlier run of the batch cancelled its own when it was stopped. */
async function resultOfLine(
  context: LineContext,
  index: number,
  first: JobSpec,
  again: boolean,
  ownModel: boolean,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const job = attempt === 1 ? first : { ...first, id: lineJobId(context.key, index, attempt) };
    const result = await resultOf(context, job, again, ownModel);
    if (!again || result.status !== 'cancelled' || result.reason !== CLIENT_STOPPED) return result;
    context.signal.throwIfAborted();
  }
}

async function resultOf(
  { grid, running, signal, retryDelaysMs = RETRY_DELAYS_MS }: LineContext,
  job: JobSpec,
  again: boolean,
  ownModel: boolean,
): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      const handle = await grid.submit(job, { signal, again: again || tries > 0 });
      running.add(handle);
      try {
        return await handle.result();
      } finally {
        running.delete(handle);
      }
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toAipgError(thrown);
      // No worker for the batch's own model is as good as no grid; for a line's own it may be the line's mistake.
      if (!GRID_ERRORS.has(error.code) && (error.code !== 'model-not-found' || ownModel)) throw error;
      const wait = retryDelaysMs[tries];
      if (wait === undefined) throw new BatchStopped(error);
      await delay(wait, undefined, { signal });
    }
  }
}

function failure({
  code,
  message,
  hint,
}: {
  code: ErrorCode;
  message: string;
  hint?: string | undefined;
}): AipgError {
  return new AipgError(code, message, hint === undefined ? {} : { hint });
}
