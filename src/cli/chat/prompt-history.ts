import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Paths } from '../../runtime/config/paths.ts';

/** Messages that Arrow up goes back through. */
const KEPT = 1_000;

/** What was typed into `aipg chat`, between runs: a JSON string a line, the newest last. */
export class PromptHistory {
  readonly #file: string;

  constructor(paths: Paths) {
    this.#file = join(paths.state, 'chat-history');
  }

  /** The newest first; none where there is no file. The file is shortened when it has grown to twice of what is kept. */
  load(): string[] {
    let lines: string[];
    try {
      lines = readFileSync(this.#file, 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
    if (lines.length > 2 * KEPT) this.#shorten(lines.slice(-KEPT));
    return [...new Set(lines.slice(-KEPT).reverse().flatMap(parseLine))];
  }

  /** Several chats may add at once. A home that cannot be written to has no history. */
  add(message: string): void {
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      appendFileSync(this.#file, `${JSON.stringify(message)}\n`, { mode: 0o600 });
    } catch {
      // The message is on its way all the same.
    }
  }

  #shorten(lines: readonly string[]): void {
    try {
      writeFileSync(`${this.#file}.${process.pid}`, `${lines.join('\n')}\n`, { mode: 0o600 });
      renameSync(`${this.#file}.${process.pid}`, this.#file);
    } catch {
      // It is shortened another time.
    }
  }
}

function parseLine(line: string): string[] {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'string' ? [message] : [];
  } catch {
    return [];
  }
}
