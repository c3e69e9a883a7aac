import { AipgError } from '../protocol/errors.ts';
import type { ByteSource } from './byte-source.ts';

/** The first read, in bytes: enough for a small model's whole header. Each further one is twice as large, up to the last. */
const FIRST_READ = 512 * 1_024;
const LARGEST_READ = 4 * 1_024 * 1_024;

/** Reads forward through a source, a large piece at a time; what is passed over is not fetched. */
export class ByteCursor {
  readonly #source: ByteSource;
  readonly #limit: number;
  #buffer = Buffer.alloc(0);
  /** In the source, of the buffer's first byte. */
  #start = 0;
  #at = 0;
  #nextRead = FIRST_READ;

  /** @param limit how far into the source it may go, in bytes */
  constructor(source: ByteSource, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /** In the source. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** How many bytes can be taken without waiting. */
  get buffered(): number {
    return this.#buffer.length - this.#at;
  }

  /** Makes `count` bytes ready to be taken. @throws AipgError `model-invalid` past the end or the limit */
  async need(count: number): Promise<void> {
    if (this.buffered >= count) return;
    this.#check(this.position + count);
    const have = this.#buffer.subarray(this.#at);
    const from = this.position + have.length;
    const to = Math.min(
      Math.max(from + this.#nextRead, this.position + count),
      this.#source.bytes,
      this.#limit,
    );
    this.#nextRead = Math.min(2 * this.#nextRead, LARGEST_READ);
    const read = await this.#source.read(from, to);
    this.#start = this.position;
    this.#at = 0;
    this.#buffer = Buffer.concat([have, read]);
    if (this.#buffer.length < count) throw this.invalid('ends in the middle of its header');
  }

  /** Passes over bytes. @throws AipgError `model-invalid` past the end or the limit */
  skip(count: number): void {
    this.#check(this.position + count);
    if (count <= this.buffered) {
      this.#at += count;
      return;
    }
    this.#start = this.position + count;
    this.#at = 0;
    this.#buffer = Buffer.alloc(0);
  }

  /** The next bytes, which {@link need} has made ready; valid until the next `need`. */
  take(count: number): Buffer {
    const bytes = this.#buffer.subarray(this.#at, this.#at + count);
    this.#at += count;
    return bytes;
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  /** As a number: what is too large to be one exactly is too large for anything in a header. */
  u64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  invalid(what: string): AipgError {
    return new AipgError('model-invalid', `${this.#source.name} ${what}.`, {
      hint: 'It is broken, or of a kind that llama.cpp does not load; give another model.',
    });
  }

  #check(end: number): void {
    if (end > this.#source.bytes) throw this.invalid('ends in the middle of its header');
    if (end > this.#limit) throw this.invalid(`has a header of more than ${this.#limit} bytes`);
  }
}
