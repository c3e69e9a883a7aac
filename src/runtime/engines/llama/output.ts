import type { LlamaModel, Token } from 'node-llama-cpp';
import { type Passed, StopStrings } from './stop-strings.ts';
import { type Piece, TokenText } from './token-text.ts';

const NOTHING: Passed = { text: '', tokens: [], stopped: false };

/** From tokens to what may be shown of them: whole characters, and nothing that may yet be a stop string. */
export class Output {
  readonly #text: TokenText;
  readonly #stops: StopStrings;

  /** @param prompt The tokens before the first. */
  constructor(model: LlamaModel, prompt: readonly Token[], stops: readonly string[]) {
    this.#text = new TokenText(model, prompt);
    this.#stops = new StopStrings(stops);
  }

  push(token: Token): Passed {
    const piece = this.#text.push(token);
    return piece === undefined ? NOTHING : this.#stops.push(piece);
  }

  /** What was held back, at the end of the output. */
  flush(): Piece {
    const piece = this.#text.flush();
    const passed = piece === undefined ? NOTHING : this.#stops.push(piece);
    return passed.stopped ? passed : join(passed, this.#stops.flush());
  }
}

export function join(first: Piece, second: Piece): Piece {
  return { text: first.text + second.text, tokens: [...first.tokens, ...second.tokens] };
}
