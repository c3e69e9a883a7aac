import { createReadStream, statSync } from 'node:fs';
import process from 'node:process';
import { addAbortSignal, type Readable } from 'node:stream';
import { type InputLine, readInput } from '../runtime/batch/lines.ts';
import { READ_BYTES } from '../runtime/batch/survey.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

export interface BatchInput extends AsyncDisposable {
  /** Set where the input is a file that can be read again. */
  readonly path: string | undefined;
  /** Can be read once. */
  readonly lines: AsyncIterable<InputLine>;
}

/** @param file a path; `-` is stdin @throws AipgError `usage` when there is no such file */
export function openBatchInput(file: string, signal: AbortSignal): BatchInput {
  if (file === '-') return inputOf(undefined, () => process.stdin, signal);
  let isFile: boolean;
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new AipgError('usage', `${file} is a folder, not a file of prompts.`);
    isFile = stat.isFile();
  } catch (error) {
    if (error instanceof AipgError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${code}).`;
    throw new AipgError('usage', message, { cause: error });
  }
  const open = () => createReadStream(file, { highWaterMark: READ_BYTES });
  return inputOf(isFile ? file : undefined, open, signal);
}

function inputOf(path: string | undefined, open: () => Readable, signal: AbortSignal): BatchInput {
  let stream: Readable | undefined;
  const lines = async function* () {
    stream = addAbortSignal(signal, open());
    try {
      yield* readInput(stream);
    } catch (error) {
      // The stream tells of the abort in its own words.
      signal.throwIfAborted();
      throw error;
    }
  };
  return {
    path,
    lines: lines(),
    [Symbol.asyncDispose]: async () => {
      stream?.destroy();
    },
  };
}
