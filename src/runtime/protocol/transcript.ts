import type { ChunkEvent } from './events.ts';

/** Most chunks kept that came too early; what is dropped is asked for again. */
const MAX_EARLY = 1_024;

/**
 * The output of a job as its reader has it so far, put together from chunks that may come from several attempts,
 * more than once and with overlaps. What was shown is never taken back or said twice.
 */
export class Transcript {
  #text = '';
  #tokens: number[] = [];
  #attempt = 0;
  /** Chunks of the newest attempt that came before those that they follow. */
  #early: ChunkEvent[] = [];

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
    // A newer attempt goes on where there was no gap, and says the rest itself.
    if (attempt > this.#attempt) this.#early = [];
    this.#attempt = attempt;
    return true;
  }

  /**
   * The text that this chunk adds, together with what came too early and now follows; empty when it adds none;
   * `undefined` when chunks before it are missing, so that the caller has to ask for them.
   */
  add(chunk: ChunkEvent): string | undefined {
    if (!this.observe(chunk.attempt)) return '';
    if (!this.#follows(chunk)) {
      if (this.#early.length < MAX_EARLY) this.#early.push(chunk);
      return undefined;
    }
    let added = this.#append(chunk);
    for (;;) {
      const next = this.#early.findIndex((early) => this.#follows(early));
      if (next < 0) return added;
      for (const early of this.#early.splice(next, 1)) added += this.#append(early);
    }
  }

  #follows({ textOffset, tokenOffset }: ChunkEvent): boolean {
    return textOffset <= this.#text.length && tokenOffset <= this.#tokens.length;
  }

  #append(chunk: ChunkEvent): string {
    const text = chunk.text.slice(this.#text.length - chunk.textOffset);
    const tokens = chunk.tokens.slice(this.#tokens.length - chunk.tokenOffset);
    this.#text += text;
    for (const token of tokens) this.#tokens.push(token);
    return text;
  }
}
