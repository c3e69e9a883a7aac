import type { LlamaModel, Token, TokenBias } from 'node-llama-cpp';
import type { NodeLlamaCpp } from './backend.ts';

/**
 * Tokens that a grammar would let through and that must not stand in an output. A control token spells like text to a
 * grammar, and is nothing in the output. And a grammar reads bytes as characters without asking whether they are the
 * shortest form: C0 A2 for a quote, which every decoder refuses.
 */
export class TokenBans {
  readonly #always: TokenBias;
  /** Where the output ends with a byte that only the longer continuations may follow. */
  readonly #after: ReadonlyMap<number, TokenBias>;
  readonly #lastByte = new Map<Token, number>();

  constructor(nodeLlamaCpp: NodeLlamaCpp, model: LlamaModel) {
    this.#always = new nodeLlamaCpp.TokenBias(model.tokenizer);
    const after = new Map(
      [...SHORTEST.keys()].map((lead) => [lead, new nodeLlamaCpp.TokenBias(model.tokenizer)]),
    );
    this.#after = after;
    const { model: kind, tokens = [] } = model.fileInfo.metadata?.tokenizer?.ggml ?? {};
    for (const token of model.iterateAllTokens()) {
      const bytes = rawBytes(tokens[token] ?? '', kind === 'gpt2');
      const never = bytes.some((byte) => byte === 0xc0 || byte === 0xc1 || byte > 0xf4);
      if (never || model.isSpecialToken(token)) {
        for (const bias of [this.#always, ...after.values()]) bias.set(token, 'never');
        continue;
      }
      const [first, last] = [bytes[0] ?? 0, bytes.at(-1) ?? 0];
      if (SHORTEST.has(last)) this.#lastByte.set(token, last);
      for (const [lead, shortest] of SHORTEST) {
        if (first >= 0x80 && first < shortest) after.get(lead)?.set(token, 'never');
      }
    }
  }

  /** What is banned behind a token. */
  behind(token: Token | undefined): TokenBias {
    const last = token === undefined ? undefined : this.#lastByte.get(token);
    return (last === undefined ? undefined : this.#after.get(last)) ?? this.#always;
  }
}

/** Lead bytes, and the least byte that may follow each (RFC 3629). */
const SHORTEST: ReadonlyMap<number, number> = new Map([
  [0xe0, 0xa0],
  [0xf0, 0x90],
]);

/**
 * The bytes of a token as far as they are told apart in a vocabulary: those of byte-level BPE, where each byte is a
 * character (GPT-2's table), or the one byte of a byte token.
 */
function rawBytes(text: string, byteLevel: boolean): readonly number[] {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(text);
  if (byte) return [Number.parseInt(byte[1] as string, 16)];
  return byteLevel ? [...text].map((character) => gpt2Byte(character.codePointAt(0) ?? 0)) : [];
}

/** Printable bytes stand for themselves; 00–20, 7F–A0 and AD follow from U+0100 on. */
function gpt2Byte(code: number): number {
  if (code < 0x100) return code;
  const index = code - 0x100;
  if (index <= 0x20) return index;
  return index <= 0x42 ? index + 0x5e : 0xad;
}
