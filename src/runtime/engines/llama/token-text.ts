import type { LlamaModel, Token } from 'node-llama-cpp';

/** Tokens that end at a character's end, and exactly their text. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** What the library makes of bytes that are not (yet) a character. */
const REPLACEMENT = '\uFFFD';
/** A character takes 4 bytes at most; tokens may hold the end of one and the start of the next. */
const MOST_PENDING = 16;
/** Tokens before, which decide about spaces. */
const LOOK_BACK = 3;

/** Turns a stream of tokens into text; tokens that end within a character wait for the rest of it. */
export class TokenText {
  readonly #model: LlamaModel;
  #before: readonly Token[];
  #pending: Token[] = [];

  /** @param before Tokens ahead of the first: the prompt's. */
  constructor(model: LlamaModel, before: readonly Token[]) {
    this.#model = model;
    this.#before = before.slice(-LOOK_BACK);
  }

  push(token: Token): Piece | undefined {
    this.#pending.push(token);
    const text = this.#text();
    const unfinished = text.endsWith(REPLACEMENT) && this.#pending.length < MOST_PENDING;
    return unfinished ? undefined : this.#take(text);
  }

  /** What still waits, without the bytes that never became a character. */
  flush(): Piece | undefined {
    return this.#pending.length === 0 ? undefined : this.#take(this.#text());
  }

  #text(): string {
    return this.#model.detokenize(this.#pending, false, this.#before);
  }

  #take(text: string): Piece {
    const tokens = this.#pending;
    this.#pending = [];
    this.#before = [...this.#before, ...tokens].slice(-LOOK_BACK);
    return { text: text.replaceAll(REPLACEMENT, ''), tokens };
  }
}
