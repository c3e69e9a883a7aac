import { randomBytes } from 'node:crypto';
import { stat, truncate } from 'node:fs/promises';
import { AipgError } from '../protocol/errors.ts';
import { randomSeed, type Seed } from '../protocol/text.ts';
import { DoneLines } from './done.ts';
import type { BatchDefaults } from './request.ts';
import { scanOutput } from './scan-output.ts';
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
  readonly signal: AbortSignal;
}

/** A batch that is ready to run. */
export interface OpenBatch {
  readonly key: { readonly batch: string; readonly seed: Seed };
  readonly defaults: BatchDefaults;
  readonly ordered: boolean;
  /** How many lines the input has; `undefined` when that cannot be known before its end. */
  readonly lines: number | undefined;
  readonly done: DoneLines;
  /** Lines done that ended in an error. */
  readonly failed: number;
  readonly resumed: boolean;
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
  const { ordered, seed, batch, defaults } = before;
  const { lines } = surveyed;
  const scan =
    size === undefined
      ? { done: new DoneLines(lines), failed: 0, bytes: 0 }
      : await scanOutput(output, { lines, ordered, signal });
  if (size !== undefined && scan.bytes < size) await truncate(output, scan.bytes);
  const { done, failed } = scan;
  return { key: { batch, seed }, defaults, ordered, lines, done, failed, resumed: true };
}

async function newBatch(
  { output, defaults, ordered, seed = randomSeed() }: OpenBatchOptions,
  input: BatchState['input'] | undefined,
): Promise<OpenBatch> {
  const batch = randomBytes(16).toString('hex');
  if (output !== undefined && input !== undefined) {
    await writeBatchState(output, { format: 'aipg-batch-1', batch, seed, input, ordered, defaults });
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
  };
}

/** What is asked for now must be what the batch was started with; what is not asked for is taken from there. */
function checkSame(
  { input, output, defaults, seed, ordered }: OpenBatchOptions,
  before: BatchState,
  surveyed: BatchState['input'],
): void {
  if (surveyed.sha256 !== before.input.sha256) {
    throw new AipgError('usage', `${input} is not the input that ${output} answers: it has changed.`, {
      hint: 'Restore it, or start over with another output file.',
    });
  }
  const changed = (Object.keys(defaults) as (keyof BatchDefaults)[]).find(
    (key) => JSON.stringify(defaults[key]) !== JSON.stringify(before.defaults[key]),
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

/** In bytes; `undefined` when there is no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AipgError('usage', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
}
