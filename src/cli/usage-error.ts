import { stripVTControlCharacters } from 'node:util';
import { Errors } from '@oclif/core';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError, toAipgError } from '../runtime/protocol/errors.ts';

/** What oclif's parser leaves on the errors that it throws; all of it is of the command's own making. */
interface ParserError {
  readonly args?: readonly Argument[];
  readonly flags?: readonly unknown[];
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, Flag>> } };
}

interface Argument {
  readonly name: string;
  readonly description?: string;
  readonly options?: readonly string[];
}

interface Flag {
  readonly helpValue?: string | readonly string[];
  readonly options?: readonly string[];
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
  if (!(thrown instanceof Error) || !thrown.message.startsWith('Parsing ')) return undefined;
  const { code, message, hint } = toAipgError(thrown);
  return new AipgError(code, withoutParsing(message), { hint: hint ?? help, cause: thrown });
}

function missingArgument({ args, message }: ParserError & Error): string | undefined {
  const [first] = args ?? [];
  if (first === undefined || !message.startsWith('Missing ')) return undefined;
  const { name, description, options } = first;
  const what = [description, options && `One of ${options.join(', ')}.`].filter(Boolean).join(' ');
  return asSentence(`Missing argument ${name.toUpperCase()}: ${what}`);
}

/** What oclif's parser says, in sentences; on a terminal it says it in colours. */
function sentences(message: string, flags: Readonly<Record<string, Flag>>): string {
  const [text = ''] = stripVTControlCharacters(message).split('\nSee more help with --help');
  const plain = withoutValues(text);
  const several = plain.replace(/^The following errors? occurred:/, '');
  // A value may have lines of its own.
  const lines = several === plain ? [plain.replace(/\s*\n\s*/g, ' ')] : several.split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => asSentence(plainly(line, flags)))
    .join(' ');
}

function withoutValues(text: string): string {
  return text.replace(
    /(--[^=\s]+)(?:=[\s\S]*?)? cannot also be provided when using (--\S+)/g,
    '$1 does not go with $2',
  );
}

/** What oclif says of flags, as a person would type them. */
function plainly(line: string, flags: Readonly<Record<string, Flag>>): string {
  const typed = (name: string) => {
    const value = flags[name]?.helpValue ?? flags[name]?.options?.join('|');
    return [`--${name}`, value].filter(Boolean).join(' ');
  };
  return line
    .replace(/^Missing required flag (\S+)$/, (_, name: string) => `Missing flag ${typed(name)}`)
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
