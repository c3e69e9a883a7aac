import { randomBytes } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { AipgError } from '../protocol/errors.ts';
import { randomSeed, type Seed } from '../protocol/text.ts';
import { DoneLines } from './done.ts';
import type { BatchKey } from './job.ts';
import type { BatchDefaults } from './request.ts';
import { mergeRetried, retriedFile } from './retry.ts';
import { type OutputScan, scanWhole, sizeOf } from './scan-output.ts';
import { type BatchState, batchStateFile, readBatchState, writeBatchState } from './state.ts';
import { surveyInput } from './survey.ts';

export interface OpenBatchOptions {
  /** A file; `undefined` for an input that can be read once only. */
  readonly input: string | undefined;
  /** A file; `undefined` for an output that cannot be gone on with. */
  readonly output: string | undefined;
  readonly defaults: BatchDefaults;
  /** Default: a random one. */
  readonly seed: Seed | undefined;
  readonly ordered: boolean;
  /** Go on with the output that is there, if there is any. */
  readonly resume: boolean;
  /** With `resume`: lines that ended in an error are not done. Default: false. */
  readonly retryErrors?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** A batch that is ready to run. */
export interface OpenBatch {
  readonly key: BatchKey;
  readonly defaults: BatchDefaults;
  readonly ordered: boolean;
  /** How many lines the input has; `undefined` when that cannot be known before its end. */
  readonly lines: number | undefined;
  readonly done: DoneLines;
  /** Lines done that ended in an error. */
  readonly failed: number;
  readonly resumed: boolean;
  /** Where the records go: beside the output while lines are retried; see {@link finishBatch}. */
  readonly file: string | undefined;
}

/**
 * Makes a new batch, or finds out where an earlier run of it stopped and cuts off a record that was half written.
 * @throws AipgError `usage` when the output is there and not of this batch
 */
export async function openBatch(options: OpenBatchOptions): Promise<OpenBatch> {
  const { input, output, resume, signal } = options;
  const size = output === undefined ? undefined : await sizeOf(output);
  if (!resume && size !== undefined && size > 0) {
    throw new AipgError('usage', `${output} is there already.`, {
      hint: 'Go on with it by --resume, delete it, or write to another file.',
    });
  }
  const surveyed = input === undefined ? undefined : await surveyInput(input, signal);
  const before = resume && output !== undefined ? await readBatchState(output) : undefined;
  if (output === undefined || surveyed === undefined || !before) {
    if (size !== undefined && size > 0) throw notOurs(output as string);
    return await newBatch(options, surveyed);
  }

  checkSame(options, before, surveyed);
  const { lines } = surveyed;
  const scanning = { lines, ordered: before.ordered, signal };
  // Retried records of an output that was deleted have nothing that they could take the place of.
  if (size === undefined) await rm(retriedFile(output), { force: true });
  let scan = await scanWhole(output, scanning);
  if (options.retryErrors) return await openRetry(options, output, before, scan);
  if ((await sizeOf(retriedFile(output))) !== undefined) {
    await mergeRetried(output, scanning);
    scan = await scanWhole(output, scanning);
  }
  const { seed, batch, ordered, defaults } = before;
  const { done, failed } = scan;
  return {
    key: { batch, seed },
    defaults,
    ordered,
    lines,
    done,
    failed: failed.count,
    resumed: true,
    file: output,
  };
}

/**
 * To be called when every line has its record: retried ones take their place in the output.
 * @throws AipgError as {@link mergeRetried}
 */
export async function finishBatch(
  { file, lines, ordered }: OpenBatch,
  output: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (output === undefined || lines === undefined || file === output) return;
  await mergeRetried(output, { lines, ordered, signal }).catch((error: unknown) => {
    // What reads a file tells of the abort in its own words.
    signal.throwIfAborted();
    throw error;
  });
}

/** Takes up the lines in error again, or goes on with a retry that was stopped. */
async function openRetry(
  { defaults: { timeoutMs }, signal }: OpenBatchOptions,
  output: string,
  before: BatchState,
  { done: written, failed }: OutputScan,
): Promise<OpenBatch> {
  const { batch, seed, ordered, input } = before;
  const { lines } = input;
  const file = retriedFile(output);
  const isNew = (await sizeOf(file)) === undefined;
  const defaults = { ...before.defaults, ...(timeoutMs !== undefined && { timeoutMs }) };
  const opened = { defaults, ordered, lines, resumed: true };
  if (isNew && failed.count === 0) {
    return { ...opened, key: { batch, seed }, done: written, failed: 0, file: output };
  }
  const round = before.retries + (isNew ? 1 : 0);
  if (isNew) {
    await writeBatchState(output, { ...before, retries: round });
    // Before anything is in it, so that it is never open to more people than the output.
    await writeFile(file, '', { mode: (await stat(output)).mode & 0o777 });
  }
  const retried = await scanWhole(file, { lines, ordered, gaps: true, signal });
  const done = new DoneLines(lines);
  for (let index = 0; index < lines; index++) {
    if (retried.done.has(index) || (written.has(index) && !failed.has(index))) done.add(index);
  }
  const key = { batch, seed, retry: { round, lines: failed } };
  return { ...opened, key, done, failed: retried.failed.count, file };
}

async function newBatch(
  { output, defaults, ordered, seed = randomSeed() }: OpenBatchOptions,
  input: BatchState['input'] | undefined,
): Promise<OpenBatch> {
  const batch = randomBytes(16).toString('hex');
  if (output !== undefined && input !== undefined) {
    await rm(retriedFile(output), { force: true });
    await writeBatchState(output, {
      format: 'aipg-batch-1',
      batch,
      seed,
      input,
      ordered,
      defaults,
      retries: 0,
    });
  }
  const lines = input?.lines;
  return {
    key: { batch, seed },
    defaults,
    ordered,
    lines,
    done: new DoneLines(lines),
    failed: 0,
    resumed: false,
    file: output,
  };
}

/** What is asked for now must be what the batch was started with; what is not asked for is taken from there. */
function checkSame(
  { input, output, defaults, seed, ordered, retryErrors }: OpenBatchOptions,
  before: BatchState,
  surveyed: BatchState['input'],
): void {
  if (surveyed.sha256 !== before.input.sha256) {
    throw new AipgError('usage', `${input} is not the input that ${output} answers: it has changed.`, {
      hint: 'Restore it, or start over with another output file.',
    });
  }
  const changed = (Object.keys(defaults) as (keyof BatchDefaults)[]).find(
    (key) =>
      // More time changes no answer, and a retry may be for the lack of it.
      !(retryErrors && key === 'timeoutMs') &&
      JSON.stringify(defaults[key]) !== JSON.stringify(before.defaults[key]),
  );
  const what =
    changed ??
    (seed !== undefined && seed !== before.seed ? 'seed' : undefined) ??
    (!ordered && before.ordered ? 'order' : undefined);
  if (what === undefined) return;
  throw new AipgError('usage', `The batch in ${output} was started with another ${what}.`, {
    hint: 'Leave it out to go on as it was started, or start over with another output file.',
  });
}

function notOurs(output: string): AipgError {
  return new AipgError(
    'usage',
    `${output} has no ${batchStateFile(output)} beside it, so it cannot be gone on with.`,
    {
      hint: 'Write to another file.',
    },
  );
}
