import type { Chunk } from '../engines/engine.ts';
import { Beats } from './beats.ts';

/** Chunks are joined over at most this long, in milliseconds. */
export const JOIN_MS = 40;
/**
 * Those of a job that nobody reads as it comes: what a worker that fails has not told of is computed again, and one
 * that tells of nothing for half a second is suspected to be gone.
 */
export const UNREAD_JOIN_MS = 400;
/** More text than this, in UTF-16 code units, is not joined: however it is written as JSON, the bus takes it. */
const MAX_TEXT = 16_384;

export interface JoinedChunk {
  readonly tokenOffset: number;
  readonly textOffset: number;
  readonly text: string;
  readonly tokens: readonly number[];
}

/** Those of all jobs of this process. */
const BEATS = new Beats(JOIN_MS);
const UNREAD_BEATS = new Beats(UNREAD_JOIN_MS);

export interface ChunkJoinerOptions {
  /** Where the output goes on. */
  readonly textOffset?: number;
  readonly tokenOffset?: number;
  /** Somebody reads it as it comes. */
  readonly isRead?: boolean;
  readonly beats?: Beats;
}

/**
 * Joins small chunks into fewer messages: the first goes out at once if somebody reads it, later ones at the next beat.
 * An engine slower than the beats is passed through token by token.
 */
export class ChunkJoiner implements Disposable {
  readonly #send: (chunk: JoinedChunk) => void;
  readonly #beats: Beats;
  readonly #flush = () => this.flush();
  #text = '';
  #tokens: number[] = [];
  #textOffset: number;
  #tokenOffset: number;
  /** The beat in which something was last sent. */
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(
    send: (chunk: JoinedChunk) => void,
    { textOffset = 0, tokenOffset = 0, isRead = true, beats }: ChunkJoinerOptions = {},
  ) {
    this.#send = send;
    this.#textOffset = textOffset;
    this.#tokenOffset = tokenOffset;
    this.#beats = beats ?? (isRead ? BEATS : UNREAD_BEATS);
    if (!isRead) this.#sentAt = this.#beats.count;
  }

  add(chunk: Chunk): void {
    this.#text += chunk.text;
    for (const token of chunk.tokens) this.#tokens.push(token);
    if (this.#beats.count > this.#sentAt || this.#text.length >= MAX_TEXT) this.flush();
    else this.#beats.await(this.#flush);
  }

  /** Sends what is held now. */
  flush(): void {
    this.#beats.forget(this.#flush);
    if (this.#tokens.length === 0 && this.#text === '') return;
    this.#send({
      tokenOffset: this.#tokenOffset,
      textOffset: this.#textOffset,
      text: this.#text,
      tokens: this.#tokens,
    });
    this.#sentAt = this.#beats.count;
    this.#textOffset += this.#text.length;
    this.#tokenOffset += this.#tokens.length;
    this.#text = '';
    this.#tokens = [];
  }

  [Symbol.dispose](): void {
    this.#beats.forget(this.#flush);
  }
}
