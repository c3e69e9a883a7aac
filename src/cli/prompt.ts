import { fstatSync } from 'node:fs';
import process from 'node:process';
import { AipgError } from '../runtime/protocol/errors.ts';

/** Most that is read from stdin, in bytes. */
const MAX_STDIN = 16 * 1024 * 1024;

export interface PromptSources {
  /** The words of the command line; `-` stands for stdin. */
  readonly words: readonly string[];
  /** What stdin holds; `undefined` when it is a terminal. */
  readonly stdin: string | undefined;
}

/**
 * The prompt: words are the instruction, stdin is the context before it, unless a `-` says where stdin goes.
 * @throws AipgError `input-invalid` when there is nothing
 */
export function composePrompt({ words, stdin }: PromptSources): string {
  const context = stdin?.replace(/\r?\n$/, '');
  const placed = words.includes('-');
  const instruction = words.map((word) => (word === '-' ? (context ?? '') : word)).join(' ');
  const parts = placed ? [instruction] : [context ?? '', instruction];
  const prompt = parts.filter((part) => part.trim() !== '').join('\n\n');
  if (prompt === '') {
    throw new AipgError('input-invalid', 'The prompt is empty.', {
      hint: 'Give it as words or on stdin: aipg gen "What is 12 + 7?"',
    });
  }
  return prompt;
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
      if (size > MAX_STDIN) throw new AipgError('input-invalid', `stdin is larger than ${MAX_STDIN} bytes.`);
    }
  } catch (error) {
    // The stream tells of the abort in its own words.
    signal.throwIfAborted();
    throw error;
  }
  return decodeText(Buffer.concat(chunks));
}

/** @throws AipgError `input-invalid` when the bytes are not UTF-8 text */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw binary();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw binary();
  }
}

function binary(): AipgError {
  return new AipgError('input-invalid', 'stdin holds binary data, not UTF-8 text.', {
    hint: 'Convert it to text first.',
  });
}

/** Whether something is to be read: a pipe, a file or a socket, but not a terminal or a closed descriptor. */
function hasStdin(): boolean {
  if (process.stdin.isTTY) return false;
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}
