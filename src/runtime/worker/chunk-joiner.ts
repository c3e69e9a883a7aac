import type { Chunk } from '../engines/engine.ts';

/** Chunks are joined over at most this long, in milliseconds. */
export const JOIN_MS = 20;
/** More text than this, in UTF-16 code units, is not joined: however it is written as JSON, the bus takes it. */
const MAX_TEXT = 16_384;

export interface JoinedChunk {
  readonly tokenOffset: number;
  readonly textOffset: number;
  readonly text: string;
  readonly tokens: readonly number[];
}

/**
 * Joins small chunks into fewer messages: the first goes out at once, later ones as soon as the last is
 * {@link JOIN_MS} old. An engine slower than that is passed through token by token.
 */
export class ChunkJoiner implements Disposable {
  readonly #send: (chunk: JoinedChunk) => void;
  readonly #now: () => number;
  #text = '';
  #tokens: number[] = [];
  #textOffset: number;
  #tokenOffset: number;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    send: (chunk: JoinedChunk) => void,
    { textOffset = 0, tokenOffset = 0, now = () => performance.now() } = {},
  ) {
    this.#send = send;
    this.#textOffset = textOffset;
    this.#tokenOffset = tokenOffset;
    this.#now = now;
  }

  add(chunk: Chunk): void {
    this.#text += chunk.text;
    for (const token of chunk.tokens) this.#tokens.push(token);
    const wait = this.#sentAt + JOIN_MS - this.#now();
    if (wait <= 0 || this.#text.length >= MAX_TEXT) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  /** Sends what is held now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#tokens.length === 0 && this.#text === '') return;
    this.#send({
      tokenOffset: this.#tokenOffset,
      textOffset: this.#textOffset,
      text: this.#text,
      tokens: this.#tokens,
    });
    this.#sentAt = this.#now();
    this.#textOffset += this.#text.length;
    this.#tokenOffset += this.#tokens.length;
    this.#text = '';
    this.#tokens = [];
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
