import { Errors } from '@oclif/core';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

/** What oclif's parser leaves on the errors that it throws; all of it is of the command's own making. */
interface ParserError {
  readonly args?: readonly { readonly name: string; readonly description?: string }[];
  readonly flags?: readonly unknown[];
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, Flag>> } };
}

interface Flag {
  readonly helpValue?: string | readonly string[];
}

/** What was wrong with how a command was written, if that was it. @param command Its words, without the program's name. */
export function usageError(thrown: unknown, command = ''): AipgError | undefined {
  const help = `See \`${['aipg', command, '--help'].filter(Boolean).join(' ')}\`.`;
  if (thrown instanceof Errors.CLIError) {
    const parsed: ParserError & Error = thrown;
    const known = parsed.parse?.input?.flags ?? {};
    return new AipgError('usage', missingArgument(parsed) ?? sentences(thrown.message, known), {
      hint: suggestion(parsed, known) ?? help,
      cause: thrown,
    });
  }
  if (thrown instanceof AipgError && thrown.message.startsWith('Parsing ')) {
    return new AipgError(thrown.code, withoutParsing(thrown.message), {
      hint: thrown.hint ?? help,
      cause: thrown,
    });
  }
  return undefined;
}

function missingArgument({ args, message }: ParserError & Error): string | undefined {
  const [first] = args ?? [];
  if (first === undefined || !message.startsWith('Missing ')) return undefined;
  return asSentence(`Missing argument ${first.name.toUpperCase()}: ${first.description ?? ''}`);
}

function sentences(message: string, flags: Readonly<Record<string, Flag>>): string {
  const [text = ''] = message.split('\nSee more help with --help');
  const lines = text.replace(/^The following errors? occurred:/, '').split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => asSentence(plainly(line, flags)))
    .join(' ');
}

/** What oclif says of flags, as a person would type them. */
function plainly(line: string, flags: Readonly<Record<string, Flag>>): string {
  const typed = (name: string) => [`--${name}`, flags[name]?.helpValue].filter(Boolean).join(' ');
  return line
    .replace(/^Missing required flag (\S+)$/, (_, name: string) => `Missing flag ${typed(name)}`)
    .replace(/^(--[^=\s]+)\S* cannot also be provided when using (--\S+)$/, '$1 does not go with $2')
    .replace(
      /^All of the following must be provided when using (--\S+): (.+)$/,
      (_, user: string, needed: string) =>
        `${user} needs ${needed
          .split(', ')
          .map((name) => typed(name.slice(2)))
          .join(' and ')}`,
    );
}

/** oclif writes around the message of what a flag's parser threw. */
function withoutParsing(message: string): string {
  return message.replace(/^Parsing [^\n]*\n\t/, '').replace(/\nSee more help with --help$/, '');
}

/** Flags that may have been meant by one that is not there. */
function suggestion({ flags }: ParserError, known: Readonly<Record<string, Flag>>): string | undefined {
  const names = Object.keys(known).map((name) => `--${name}`);
  return flags && didYouMean(flags.flatMap((flag) => nearest(String(flag), names, 1)));
}

function asSentence(text: string): string {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
