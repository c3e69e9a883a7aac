import type { Stats } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { decodeText, MAX_INPUT_BYTES } from './prompt.ts';
import { formatBytes, withoutControls } from './terminal.ts';

/** Most files of one prompt: more than that is a pattern that matched what it was not meant to. */
const MAX_FILES = 1_000;

/** Stands for stdin among the files. */
export const STDIN_FILE = '-';

const IS_PATTERN = /[*?[{]/;

export interface InputFile {
  /** As it was given, or as the pattern found it. */
  readonly name: string;
  readonly text: string;
}

/**
 * Reads the files that `-f` names, in their order; those of a pattern sorted by name, and each file once.
 * @param stdin what stands for `-`, as a file of that name
 * @throws AipgError `usage` for a file that is not there, a directory, a pattern without a match; `input-invalid` for
 * binary data and for more than 16 MiB together
 */
export async function readInputFiles(
  names: readonly string[],
  { stdin, signal }: { stdin: string | undefined; signal: AbortSignal },
): Promise<InputFile[]> {
  const files: InputFile[] = [];
  const seen = new Set<string>();
  let left = MAX_INPUT_BYTES;
  for (const given of names) {
    for (const name of given === STDIN_FILE ? [given] : await expand(given)) {
      const key = name === STDIN_FILE ? name : resolve(name);
      if (seen.has(key)) continue;
      seen.add(key);
      if (name === STDIN_FILE) {
        files.push({ name: 'stdin', text: stdin ?? '' });
        continue;
      }
      const bytes = await readBytes(name, left, signal);
      left -= bytes.length;
      files.push({ name, text: decodeText(bytes, shown(name)) });
    }
  }
  return files;
}

/**
 * A file as a prompt holds it: its name, a colon, and its text as a fenced code block with the name's extension as the
 * language. The fence is longer than any run of backticks in the text, so that no text can end its own block.
 */
export function fileBlock({ name, text }: InputFile): string {
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = '`'.repeat(Math.max(3, 1 + runs.reduce((most, length) => Math.max(most, length), 0)));
  const language = /^\.[A-Za-z0-9]+$/.test(extname(name)) ? extname(name).slice(1).toLowerCase() : '';
  const body = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${shown(name)}:\n${fence}${language}\n${body}${fence}`;
}

/** A name that is there stands for itself, even with the characters of a pattern in it. */
async function expand(given: string): Promise<readonly string[]> {
  const { stat, glob } = await import('node:fs/promises');
  const found = await stat(given).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error)) {
    if (found.isDirectory()) throw directory(given);
    return [given];
  }
  if (found.code !== 'ENOENT' && found.code !== 'ENOTDIR') throw unreadable(given, found);
  if (!IS_PATTERN.test(given)) throw await missing(given);
  const matches: string[] = [];
  for await (const name of glob(given)) {
    const stats: Stats | undefined = await stat(name).catch(() => undefined);
    if (stats?.isFile()) matches.push(name);
    if (matches.length > MAX_FILES) {
      throw new AipgError('usage', `The pattern ${shown(given)} matches more than ${MAX_FILES} files.`, {
        hint: 'Name the files more closely.',
      });
    }
  }
  if (matches.length > 0) return matches.sort();
  throw new AipgError('usage', `No file matches ${shown(given)}.`, {
    hint: (await suggestion(given)) ?? `See what is there: ls ${shown(dirname(given))}`,
  });
}

async function readBytes(name: string, most: number, signal: AbortSignal): Promise<Uint8Array> {
  const { createReadStream } = await import('node:fs');
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Not by its size on disk: a pipe such as <(command) has none.
    for await (const chunk of createReadStream(name, { signal })) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > most) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(name, error as NodeJS.ErrnoException);
  }
  if (size > most) {
    throw new AipgError(
      'input-invalid',
      `The files are larger than ${formatBytes(MAX_INPUT_BYTES)} together; ${shown(name)} is the one too many.`,
      { hint: 'Give fewer files, or the part that matters.' },
    );
  }
  return Buffer.concat(chunks);
}

async function missing(name: string): Promise<AipgError> {
  return new AipgError('usage', `There is no file ${shown(name)}.`, {
    hint: (await suggestion(name)) ?? 'Name a file, a pattern such as "src/**/*.ts", or - for stdin.',
  });
}

/** Names beside it that may have been meant. */
async function suggestion(name: string): Promise<string | undefined> {
  const { readdir } = await import('node:fs/promises');
  const folder = dirname(name);
  const there = await readdir(folder).catch(() => []);
  const prefix = folder === '.' && !name.startsWith('./') ? '' : `${folder}/`;
  return didYouMean(
    nearest(
      name,
      there.map((entry) => shown(`${prefix}${entry}`)),
    ),
  );
}

function directory(name: string): AipgError {
  return new AipgError('usage', `${shown(name)} is a directory.`, {
    hint: `Give its files by a pattern: -f "${shown(name).replace(/\/+$/, '')}/**/*"`,
  });
}

function unreadable(name: string, cause: NodeJS.ErrnoException): AipgError {
  return new AipgError('usage', `The file ${shown(name)} cannot be read (${cause.code ?? cause.message}).`, {
    hint: 'Check its permissions.',
    cause,
  });
}

/** A name on one line, without what could act on a terminal or look like the text of a prompt. */
function shown(name: string): string {
  return withoutControls(name).replace(/[\n\t]/g, ' ');
}
