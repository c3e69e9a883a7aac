import type { Chunk } from '../engines/engine.ts';
import { ChunkJoiner, type JoinedChunk } from './chunk-joiner.ts';

/** The output of an attempt: all of it, what has been sent, and what the bus is known to have. */
export class OutputStream implements Disposable {
  readonly #send: (chunk: JoinedChunk & { tokens: number[] }) => void;
  readonly #isRead: boolean;
  #joiner: ChunkJoiner;
  #text = '';
  readonly #tokens: number[] = [];
  #sent = { text: 0, tokens: 0 };
  #confirmed = { text: 0, tokens: 0 };
  #promptTokens = 0;

  /** @param isRead somebody reads it as it comes */
  constructor(send: (chunk: JoinedChunk & { tokens: number[] }) => void, isRead = true) {
    this.#send = send;
    this.#isRead = isRead;
    this.#joiner = new ChunkJoiner((chunk) => this.#pass(chunk), { isRead });
  }

  get text(): string {
    return this.#text;
  }

  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** Of it, what has been sent, or had been by earlier attempts. */
  get sent(): { readonly text: string; readonly tokens: readonly number[] } {
    const { text, tokens } = this.#sent;
    return { text: this.#text.slice(0, text), tokens: this.#tokens.slice(0, tokens) };
  }

  /** As the engine has counted them; 0 before its first chunk. */
  get promptTokens(): number {
    return this.#promptTokens;
  }

  /** Begins with what earlier attempts have sent. Before the first chunk only. */
  startAt({ text, tokens }: { readonly text: string; readonly tokens: readonly number[] }): void {
    this.#text = text;
    for (const token of tokens) this.#tokens.push(token);
    this.#sent = { text: text.length, tokens: tokens.length };
    this.#confirmed = this.#sent;
    this.#joiner = new ChunkJoiner((chunk) => this.#pass(chunk), {
      textOffset: text.length,
      tokenOffset: tokens.length,
      isRead: this.#isRead,
    });
  }

  add(chunk: Chunk): void {
    this.#text += chunk.text;
    for (const token of chunk.tokens) this.#tokens.push(token);
    this.#promptTokens = chunk.finish?.promptTokens ?? chunk.promptTokens ?? this.#promptTokens;
    this.#joiner.add(chunk);
  }

  flush(): void {
    this.#joiner.flush();
  }

  /** @returns what is to be called once the bus has all that was sent until now */
  mark(): () => void {
    const sent = this.#sent;
    return () => {
      if (sent.tokens >= this.#confirmed.tokens) this.#confirmed = sent;
    };
  }

  /** Sends again what may not have arrived. */
  repeatUnconfirmed(): void {
    const { text: textOffset, tokens: tokenOffset } = this.#confirmed;
    if (this.#sent.text === textOffset && this.#sent.tokens === tokenOffset) return;
    this.#send({
      tokenOffset,
      textOffset,
      text: this.#text.slice(textOffset, this.#sent.text),
      tokens: this.#tokens.slice(tokenOffset, this.#sent.tokens),
    });
  }

  [Symbol.dispose](): void {
    this.#joiner[Symbol.dispose]();
  }

  #pass(chunk: JoinedChunk): void {
    this.#sent = {
      text: chunk.textOffset + chunk.text.length,
      tokens: chunk.tokenOffset + chunk.tokens.length,
    };
    this.#send({ ...chunk, tokens: [...chunk.tokens] });
  }
}
