/** Opens and closes a message of several lines. */
const FENCE = '"""';

/**
 * Puts a message together from the lines that are typed: one line, several between `"""`, or several of which all but
 * the last end in a backslash.
 */
export class MessageLines {
  #lines: string[] = [];
  #fenced = false;

  /** Whether a message has begun that is not at its end. */
  get pending(): boolean {
    return this.#fenced || this.#lines.length > 0;
  }

  /** The message, when this line ends it; it may be empty. */
  push(line: string): string | undefined {
    if (this.#fenced) return this.#pushFenced(line);
    if (!this.pending && line.trimStart().startsWith(FENCE)) {
      this.#fenced = true;
      return this.#pushFenced(line.trimStart().slice(FENCE.length));
    }
    if (line.endsWith('\\')) {
      this.#lines.push(line.slice(0, -1));
      return undefined;
    }
    return this.#end(line);
  }

  /** Forgets what was begun. */
  reset(): void {
    this.#lines = [];
    this.#fenced = false;
  }

  #pushFenced(line: string): string | undefined {
    const rest = line.trimEnd();
    if (rest.endsWith(FENCE)) return this.#end(rest.slice(0, -FENCE.length)).replace(/^\n|\n$/g, '');
    this.#lines.push(line);
    return undefined;
  }

  #end(last: string): string {
    const message = [...this.#lines, last].join('\n');
    this.reset();
    return message;
  }
}
