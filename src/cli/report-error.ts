import process from 'node:process';
import { Errors } from '@oclif/core';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError, toAipgError } from '../runtime/protocol/errors.ts';
import { Interrupted, PipeClosed } from './stop-signal.ts';
import { paint } from './terminal.ts';

/** A process whose command failed ends after this long at the latest, in milliseconds. */
const LINGER_MS = 2_000;

/** What a shell reports of a process that a closed pipe ended. */
const SIGPIPE_STATUS = 141;

export interface ReportOptions {
  /** One JSON object instead of a sentence. */
  readonly json?: boolean | undefined;
  /** With the stack, for those who work on aipg. */
  readonly debug?: boolean | undefined;
}

/** Reports what ended the command. What failed may leave something open, as a connection to a bus that hangs. */
export function endWithError(thrown: unknown, options: ReportOptions = {}): void {
  reportError(thrown, options);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Says on stderr what went wrong and what to do next, and sets the exit code. */
export function reportError(thrown: unknown, { json = false, debug = false }: ReportOptions = {}): void {
  if (thrown instanceof Errors.ExitError) {
    process.exitCode = thrown.oclif.exit ?? 0;
    return;
  }
  if (thrown instanceof PipeClosed) {
    process.exitCode = SIGPIPE_STATUS;
    return;
  }
  const error = fromOclif(thrown);
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

/** oclif's own errors are all about how the command was written. */
function fromOclif(thrown: unknown): AipgError {
  if (!(thrown instanceof Errors.CLIError)) {
    const error = toAipgError(thrown);
    return error.message.startsWith('Parsing ') ? withoutParsing(error) : error;
  }
  const [text = ''] = thrown.message.split('\nSee more help with --help');
  const message = text.replace(/^The following errors? occurred:/, '');
  return new AipgError('usage', asSentence(message.trim().replace(/\s*\n\s*/g, ' ')), {
    hint: suggestion(thrown) ?? 'See --help.',
    cause: thrown,
  });
}

/** oclif writes around the message of what a flag's parser threw. */
function withoutParsing(error: AipgError): AipgError {
  const message = error.message
    .replace(/^Parsing [^\n]*\n\t/, '')
    .replace(/\nSee more help with --help$/, '');
  return new AipgError(error.code, message, { hint: error.hint ?? 'See --help.', cause: error });
}

/** Flags that may have been meant by one that is not there. */
function suggestion(error: Error): string | undefined {
  const { flags, parse } = error as { flags?: unknown; parse?: { input?: { flags?: object } } };
  if (!Array.isArray(flags) || !parse?.input?.flags) return undefined;
  const known = Object.keys(parse.input.flags).map((name) => `--${name}`);
  return didYouMean(flags.flatMap((flag) => nearest(String(flag), known, 1)));
}

function asSentence(text: string): string {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
