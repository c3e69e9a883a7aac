import type { ChunkEvent } from './events.ts';

/**
 * The output of a job as its reader has it so far, put together from chunks that may come from several attempts,
 * more than once and with overlaps. What was shown is never taken back or said twice.
 */
export class Transcript {
  #text = '';
  #tokens: number[] = [];
  #attempt = 0;

  get text(): string {
    return this.#text;
  }

  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** The newest attempt seen, 0 before the first. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Takes note of a newer attempt, so that older ones are ignored from now on. False: this one is older. */
  observe(attempt: number): boolean {
    if (attempt < this.#attempt) return false;
    this.#attempt = attempt;
    return true;
  }

  /**
   * The text that this chunk adds, empty when it adds none; `undefined` when chunks before it are missing, so that
   * the caller has to fetch them first.
   */
  add(chunk: ChunkEvent): string | undefined {
    if (!this.observe(chunk.attempt)) return '';
    if (chunk.textOffset > this.#text.length || chunk.tokenOffset > this.#tokens.length) return undefined;
    const text = chunk.text.slice(this.#text.length - chunk.textOffset);
    const tokens = chunk.tokens.slice(this.#tokens.length - chunk.tokenOffset);
    this.#text += text;
    for (const token of tokens) this.#tokens.push(token);
    return text;
  }
}
