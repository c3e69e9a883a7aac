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
 * Joins small chunks into fewer messages: the first goes out at once, later ones at the next beat of a clock of
 * {@link JOIN_MS}, so that what all jobs of a worker have to say goes out in one write. An engine slower than that is
 * passed through token by token.
 */
export class ChunkJoiner implements Disposable {
  readonly #send: (chunk: JoinedChunk) => void;
  readonly #now: () => number;
  #text = '';
  #tokens: number[] = [];
  #textOffset: number;
  #tokenOffset: number;
  /** The beat in which something was last sent. */
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
    const now = this.#now();
    const beat = Math.floor(now / JOIN_MS);
    if (beat > this.#sentAt || this.#text.length >= MAX_TEXT) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), (beat + 1) * JOIN_MS - now);
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
    this.#sentAt = Math.floor(this.#now() / JOIN_MS);
    this.#textOffset += this.#text.length;
    this.#tokenOffset += this.#tokens.length;
    this.#text = '';
    this.#tokens = [];
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
