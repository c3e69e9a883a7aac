import { statSync } from 'node:fs';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { BatchMeter } from '../runtime/batch/meter.ts';
import { finishBatch, type OpenBatch, openBatch } from '../runtime/batch/open.ts';
import type { BatchDefaults } from '../runtime/batch/request.ts';
import { runBatch } from '../runtime/batch/run.ts';
import { FileSink, StreamSink } from '../runtime/batch/sink.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectGrid } from '../runtime/config/select-grid.ts';
import { parseModelReference } from '../runtime/models/reference.ts';
import { formatCredits, type MicroCredits } from '../runtime/protocol/credits.ts';
import { AipgError, EXIT_CODES } from '../runtime/protocol/errors.ts';
import type { Format } from '../runtime/protocol/format.ts';
import { parseSeed } from '../runtime/protocol/text.ts';
import { type BatchInput, openBatchInput } from './batch-input.ts';
import { batchModels } from './batch-models.ts';
import { formatBatchEnd, showBatchProgress } from './batch-progress.ts';
import { ensureModel, modelReference } from './ensure-model.ts';
import { type FormatFlags, readFormat } from './format.ts';
import { openWithProgress } from './open-with-progress.ts';
import { Interrupted, PipeClosed, stopSignal } from './stop-signal.ts';
import type { TextFlags } from './text-job.ts';

/** In this process, as many as a worker has by default. */
const LOCAL_JOBS = 4;
/** A job for each slot, and one that waits for it. */
const JOBS_PER_SLOT = 2;

export interface BatchFlags extends TextFlags, FormatFlags {
  readonly batch: string;
  /** Words of a prompt: a batch takes none. */
  readonly words?: readonly string[] | undefined;
  readonly output?: string | undefined;
  readonly jobs?: number | undefined;
  readonly patience?: number | undefined;
  readonly unordered: boolean;
  readonly resume: boolean;
  readonly 'retry-errors': boolean;
  readonly model?: string | undefined;
  readonly grid?: string | undefined;
  readonly threads?: number | undefined;
  readonly timeout?: number | undefined;
  readonly 'max-price'?: MicroCredits | undefined;
  readonly yes: boolean;
  readonly json?: boolean | undefined;
}

/** Of V8: a small young generation, and an old one that is swept when it has grown by a third. */
const FRUGAL = ['--max-semi-space-size=2', '--semi-space-growth-factor=1', '--heap-growing-percent=30'];

/**
 * `aipg gen --batch`: a job a line, a record a line. Sets exit code 5 when a line ended in an error.
 * @param argv what was given after `aipg gen`, to say how to go on
 * @throws AipgError what keeps the batch from going on; Interrupted, PipeClosed
 */
export async function answerBatch(flags: BatchFlags, argv: readonly string[]): Promise<void> {
  if (flags.words !== undefined && flags.words.length > 0) {
    throw new AipgError('usage', 'A batch takes its prompts from the file, not from words.', {
      hint: 'Put what all lines share in --system.',
    });
  }
  // What a line leaves behind is short-lived: V8 would let hundreds of megabytes of it lie.
  for (const flag of FRUGAL) setFlagsFromString(flag);
  const format = await readFormat(flags);
  using stop = stopSignal();
  const { signal } = stop;
  await using input = openBatchInput(flags.batch, signal);
  if (flags.resume && input.path === undefined) {
    throw new AipgError('usage', '--resume reads the input once more, so it has to be a file.');
  }
  const output = flags.output === '-' ? undefined : flags.output;
  const file = output === undefined || isSpecialFile(output) ? undefined : output;
  const batch = await openBatch({
    input: input.path,
    output: file,
    defaults: batchDefaults(flags, format?.format),
    seed: flags.seed === undefined ? undefined : parseSeed(flags.seed),
    ordered: !flags.unordered,
    resume: flags.resume,
    retryErrors: flags['retry-errors'],
    signal,
  }).catch((error: unknown) => {
    // What reads a file tells of the abort in its own words.
    signal.throwIfAborted();
    throw error;
  });
  const meter = new BatchMeter({ total: batch.lines, done: batch.done.count, failed: batch.failed });
  try {
    if (batch.done.count !== batch.lines) await answerLines(flags, batch, input, output, meter, signal);
    await finishBatch(batch, file, signal);
  } catch (error) {
    throw withWayOn(error, batch, file, argv, flags.json);
  }
  const progress = meter.progress();
  if (flags.json) process.stderr.write(`${JSON.stringify(endJson(progress, meter))}\n`);
  else process.stderr.write(`${formatBatchEnd(progress, meter.totals())}\n`);
  if (progress.failed > 0) process.exitCode = EXIT_CODES['job-failed'];
}

/** Opens the grid and the output, and answers what is left. */
async function answerLines(
  flags: BatchFlags,
  batch: OpenBatch,
  { lines }: BatchInput,
  output: string | undefined,
  meter: BatchMeter,
  signal: AbortSignal,
): Promise<void> {
  const paths = resolvePaths();
  const model = modelReference(batch.defaults.model, paths);
  const isPath = parseModelReference(model).form === 'path';
  const choice = selectGrid({ paths, asked: flags.grid ?? (isPath ? 'local' : undefined) });
  const { threads, jobs = LOCAL_JOBS } = flags;
  if (choice.where === 'local') await ensureModel(model, { paths, yes: flags.yes, signal, slots: jobs });
  const opening = { choice, paths, env: process.env, signal, model, threads, slots: jobs };
  await using grid = await openWithProgress(opening);
  await using capacity =
    flags.jobs === undefined && choice.where === 'bus' ? await grid.capacity() : undefined;
  await using sink =
    output === undefined ? new StreamSink(process.stdout, signal) : await FileSink.open(batch.file ?? output);
  using _shown = flags.json ? undefined : showBatchProgress(meter);
  await runBatch({
    ...batch,
    grid,
    lines,
    sink,
    lostMs: flags.patience,
    modelOf: batchModels(choice, model),
    inFlight: () => (capacity ? Math.max(LOCAL_JOBS, JOBS_PER_SLOT * capacity.slots()) : jobs),
    onAnswered: (line) => meter.add(line),
    signal,
  });
}

/** The documented object that `--json` prints on stderr at the end. */
function endJson({ done, failed }: { done: number; failed: number }, meter: BatchMeter) {
  const { lines, tokens, elapsedMs } = meter.totals();
  return { lines: done, failed, answeredNow: lines, outputTokens: tokens, totalMs: Math.round(elapsedMs) };
}

function batchDefaults(flags: BatchFlags, format: Format | undefined): BatchDefaults {
  const given: BatchDefaults = {
    model: flags.model,
    system: flags.system,
    maxTokens: flags['max-tokens'],
    temperature: flags.temperature,
    topK: flags['top-k'],
    topP: flags['top-p'],
    minP: flags['min-p'],
    repeatPenalty: flags['repeat-penalty'],
    stop: flags.stop === undefined ? undefined : [...flags.stop],
    raw: flags.raw || undefined,
    schema: format?.type === 'schema' ? format.schema : undefined,
    jsonMode: format?.type === 'json' || undefined,
    timeoutMs: flags.timeout,
    maxPrice: flags['max-price'] === undefined ? undefined : formatCredits(flags['max-price']),
  };
  if (flags.raw && flags.system !== undefined) {
    throw new AipgError('usage', '--system needs the chat template that --raw leaves out.');
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** A stopped batch says how to go on, where it can. */
function withWayOn(
  error: unknown,
  { lines }: OpenBatch,
  output: string | undefined,
  argv: readonly string[],
  json: boolean | undefined,
): unknown {
  if (output === undefined || lines === undefined || error instanceof PipeClosed) return error;
  const words = argv.includes('--resume') ? argv : [...argv, '--resume'];
  const way = `Go on with: aipg gen ${words.map(quote).join(' ')}`;
  if (error instanceof Interrupted) {
    if (!json) process.stderr.write(`${way}\n`);
    return error;
  }
  if (!(error instanceof AipgError)) return error;
  const hint = error.hint === undefined ? way : `${error.hint}\n${way}`;
  return new AipgError(error.code, error.message, { hint, cause: error });
}

/** A word as a shell takes it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A device, a pipe or such: it can be written to, but not gone on with. */
function isSpecialFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile();
}
