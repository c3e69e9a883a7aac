import process from 'node:process';
import { Errors } from '@oclif/core';
import { toAipgError } from '../runtime/protocol/errors.ts';
import { Interrupted, PipeClosed } from './stop-signal.ts';
import { paint } from './terminal.ts';
import { usageError } from './usage-error.ts';

/** A process whose command failed ends after this long at the latest, in milliseconds. */
const LINGER_MS = 2_000;

/** What a shell reports of a process that a closed pipe ended. */
const SIGPIPE_STATUS = 141;

export interface ReportOptions {
  /** One JSON object instead of a sentence. */
  readonly json?: boolean | undefined;
  /** With the stack, for those who work on aipg. */
  readonly debug?: boolean | undefined;
  /** The words of the command that failed, without the program's name. */
  readonly command?: string | undefined;
}

/** Reports what ended the command. What failed may leave something open, as a connection to a bus that hangs. */
export function endWithError(thrown: unknown, options: ReportOptions = {}): void {
  reportError(thrown, options);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Says on stderr what went wrong and what to do next, and sets the exit code. */
export function reportError(
  thrown: unknown,
  { json = false, debug = false, command }: ReportOptions = {},
): void {
  if (thrown instanceof Errors.ExitError) {
    process.exitCode = thrown.oclif.exit ?? 0;
    return;
  }
  if (thrown instanceof PipeClosed) {
    process.exitCode = SIGPIPE_STATUS;
    return;
  }
  const error = usageError(thrown, command) ?? toAipgError(thrown);
  process.exitCode = error.exitCode;
  if (thrown instanceof Interrupted && !json) return;
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: error.toJSON() })}\n`);
    return;
  }
  const { red, dim } = paint(process.stderr);
  process.stderr.write(`${red('error:')} ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`${dim(error.hint)}\n`);
  if (debug) process.stderr.write(`${dim(stackOf(thrown))}\n`);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
