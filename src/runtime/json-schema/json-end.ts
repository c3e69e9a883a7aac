/**
 * Finds where a JSON text that comes in pieces ends: at the bracket or quote that closes its first one, and at a line
 * break behind a number, true, false or null. Takes it that the text is JSON.
 */
export class JsonEnd {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #started = false;

  /** Whether the text has ended in this piece or before. */
  push(piece: string): boolean {
    for (const character of piece) {
      if (this.#ended(character)) return true;
    }
    return false;
  }

  #ended(character: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') {
        this.#inString = false;
        return this.#depth === 0;
      }
      return false;
    }
    if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth -= 1;
      return this.#depth === 0;
    } else if (character === '\n') return this.#started && this.#depth === 0;
    this.#started = true;
    return false;
  }
}
