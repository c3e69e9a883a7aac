import type { z } from 'zod';
import { Xkey } from './xkey.ts';

/** What is sealed is filled up to a multiple of this, in bytes, so that its size does not tell how long a word is. */
export const PIECE_STEP = 256;
export const CONTENT_STEP = 1_024;

/** A key pair of NATS (xkey) by which two sides seal for each other. Only its public part leaves the process. */
export class SealKeys {
  readonly #pair = new Xkey();
  /** The public part: `X…`. */
  readonly key = this.#pair.key;

  /**
   * Encrypts and authenticates a value (NaCl's box) for the owner of a public key.
   * @param step see {@link PIECE_STEP}
   */
  seal(value: unknown, to: string, step: number): string {
    const json = new TextEncoder().encode(JSON.stringify(value));
    // JSON may end in white space.
    const padded = new Uint8Array(Math.ceil(json.length / step) * step).fill(0x20);
    padded.set(json);
    return Buffer.from(this.#pair.seal(padded, to)).toString('base64');
  }

  /** @returns `undefined` for what the owner of that public key has not sealed for this one, or what is malformed */
  open<T extends z.ZodType>(schema: T, content: string, from: string): z.infer<T> | undefined {
    try {
      const opened = this.#pair.open(Buffer.from(content, 'base64'), from);
      if (opened === null) return undefined;
      return schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(opened))).data;
    } catch {
      return undefined;
    }
  }
}
