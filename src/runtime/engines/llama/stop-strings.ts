import type { Piece } from './token-text.ts';

/** Text that can be shown, and whether it ended at a stop string. */
export interface Passed extends Piece {
  readonly stopped: boolean;
}

/**
 * Lets pieces through up to the first stop string. A piece waits, whole, while text of it could be the start of one.
 * Of several stop strings the one that is complete first counts, whatever the borders of the pieces.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held: Piece[] = [];

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(piece: Piece): Passed {
    this.#held.push(piece);
    const text = joinTexts(this.#held);
    const stop = this.#firstStop(text);
    if (stop !== undefined)
      return { ...this.#take(this.#held.length), text: text.slice(0, stop), stopped: true };
    const safe = text.length - this.#partialStop(text);
    let end = 0;
    let count = 0;
    for (const held of this.#held) {
      end += held.text.length;
      if (end > safe) break;
      count++;
    }
    return { ...this.#take(count), stopped: false };
  }

  /** All that still waits: no stop string came of it. */
  flush(): Piece {
    return this.#take(this.#held.length);
  }

  /** Where the stop string that is complete first starts. */
  #firstStop(text: string): number | undefined {
    let first: { start: number; end: number } | undefined;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start === -1) continue;
      const end = start + stop.length;
      if (first === undefined || end < first.end || (end === first.end && start < first.start))
        first = { start, end };
    }
    return first?.start;
  }

  /** Length of the longest end of the text that is the start of a stop string. */
  #partialStop(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }

  #take(count: number): Piece {
    const taken = this.#held.splice(0, count);
    return { text: joinTexts(taken), tokens: taken.flatMap(({ tokens }) => tokens) };
  }
}

function joinTexts(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('');
}
