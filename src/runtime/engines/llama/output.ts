import type { LlamaModel, Token } from 'node-llama-cpp';
import { type Passed, StopStrings } from './stop-strings.ts';
import { type Piece, TokenText } from './token-text.ts';

const NOTHING: Passed = { text: '', tokens: [], stopped: false };

/** From tokens to what may be shown of them: whole characters, and nothing that may yet be a stop string. */
export class Output {
  readonly #text: TokenText;
  readonly #stops: StopStrings;
  #silentTokens = 0;

  /** @param prompt The tokens before the first. */
  constructor(model: LlamaModel, prompt: readonly Token[], stops: readonly string[]) {
    this.#text = new TokenText(model, prompt);
    this.#stops = new StopStrings(stops);
  }

  /** Tokens so far of which no text came: control tokens, and bytes that are no character. */
  get silentTokens(): number {
    return this.#silentTokens;
  }

  push(token: Token): Passed {
    return this.#take(this.#text.push(token));
  }

  /** What was held back, at the end of the output. */
  flush(): Piece {
    const passed = this.#take(this.#text.flush());
    return passed.stopped ? passed : join(passed, this.#stops.flush());
  }

  #take(piece: Piece | undefined): Passed {
    if (piece === undefined) return NOTHING;
    if (piece.text === '') this.#silentTokens += piece.tokens.length;
    return this.#stops.push(piece);
  }
}

export function join(first: Piece, second: Piece): Piece {
  return { text: first.text + second.text, tokens: [...first.tokens, ...second.tokens] };
}
