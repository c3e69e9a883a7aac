import { fstatSync } from 'node:fs';
import process from 'node:process';
import { isatty } from 'node:tty';
import { AipgError } from '../runtime/protocol/errors.ts';

/** Most that is read from stdin, and from all files together, in bytes. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

export interface PromptSources {
  /** The words of the command line; `-` stands for stdin. */
  readonly words: readonly string[];
  /** What stdin holds; `undefined` when it is a terminal. */
  readonly stdin: string | undefined;
  /** Blocks of the files, which come before all else. */
  readonly files?: readonly string[];
}

/**
 * The prompt: files, then stdin as the context, then the words as the instruction, unless a `-` says where stdin goes.
 * @throws AipgError `input-invalid` when there is nothing
 */
export function composePrompt(sources: PromptSources): string {
  return notEmpty(joinPrompt(sources));
}

/** @throws AipgError `input-invalid` for a prompt of blanks */
export function notEmpty(prompt: string): string {
  if (prompt.trim() === '') {
    throw new AipgError('input-invalid', 'The prompt is empty.', {
      hint: 'Give it as words or on stdin: aipg gen "What is 12 + 7?"',
    });
  }
  return prompt;
}

/** As {@link composePrompt}, but empty when there is nothing. */
export function joinPrompt({ words, stdin, files = [] }: PromptSources): string {
  const context = stdin?.replace(/\r?\n$/, '');
  const placed = words.includes('-');
  const instruction = words.map((word) => (word === '-' ? (context ?? '') : word)).join(' ');
  const parts = placed ? [...files, instruction] : [...files, context ?? '', instruction];
  return parts.filter((part) => part.trim() !== '').join('\n\n');
}

/**
 * All of stdin as text; `undefined` when it is a terminal and not asked for by `-`.
 * @throws AipgError `input-invalid` when it is binary or larger than 16 MiB
 */
export async function readStdin({
  wanted,
  signal,
}: {
  wanted: boolean;
  signal: AbortSignal;
}): Promise<string | undefined> {
  if (!wanted && !hasStdin()) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  const { addAbortSignal } = await import('node:stream');
  try {
    for await (const chunk of addAbortSignal(signal, process.stdin)) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > MAX_INPUT_BYTES)
        throw new AipgError('input-invalid', `stdin is larger than ${MAX_INPUT_BYTES} bytes.`);
    }
  } catch (error) {
    // The stream tells of the abort in its own words.
    signal.throwIfAborted();
    throw error;
  }
  return decodeText(Buffer.concat(chunks));
}

/** @throws AipgError `input-invalid` when the bytes are not UTF-8 text, naming where they are from */
export function decodeText(bytes: Uint8Array, name = 'stdin'): string {
  if (bytes.includes(0)) throw binary(name);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw binary(name);
  }
}

function binary(name: string): AipgError {
  return new AipgError('input-invalid', `${name} holds binary data, not UTF-8 text.`, {
    hint: 'Convert it to text first.',
  });
}

/** Whether something is to be read: a pipe, a file or a socket, but not a terminal or a closed descriptor. */
function hasStdin(): boolean {
  // Not `process.stdin.isTTY`, for which Node would open it.
  if (isatty(0)) return false;
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}
