import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { AipgError } from '../protocol/errors.ts';

/** Text that may wait to be written before whoever writes has to wait, in UTF-16 code units. */
const MOST_WAITING = 1024 * 1024;
/** A crash of the machine, as by a power cut, loses no more than what was written in this time, in milliseconds. */
const SYNC_MS = 1_000;

/** Where records go, in the order in which they are given. */
export interface RecordSink extends AsyncDisposable {
  /** Resolves when more may be written. @throws AipgError when it cannot be written to */
  write(text: string): Promise<void>;
  /** Resolves when all is written, and safe where that can be had. */
  finish(): Promise<void>;
}

/** Appends to a file; what it has written outlives the process at once and a crash of the machine after a second. */
export class FileSink implements RecordSink {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #sync: NodeJS.Timeout;
  #waiting = '';
  #writing: Promise<void> | undefined;
  #unsynced = false;
  #error: AipgError | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    this.#sync = setInterval(() => void this.#syncIfNeeded().catch(() => undefined), SYNC_MS);
  }

  /**
   * @param mode of a file that is made; the umask takes from it
   * @throws AipgError `usage` when the file cannot be opened
   */
  static async open(path: string, mode = 0o666): Promise<FileSink> {
    try {
      return new FileSink(path, await open(path, 'a', mode));
    } catch (cause) {
      throw new AipgError('usage', `${path} cannot be written (${(cause as NodeJS.ErrnoException).code}).`, {
        cause,
      });
    }
  }

  async write(text: string): Promise<void> {
    if (this.#error) throw this.#error;
    this.#waiting += text;
    if (!this.#writing) {
      this.#writing = this.#write();
      // The next write, or the finish, tells of it.
      this.#writing.catch(() => undefined);
    }
    if (this.#waiting.length > MOST_WAITING) await this.#writing;
  }

  async finish(): Promise<void> {
    await this.#writing;
    if (this.#error) throw this.#error;
    await this.#syncIfNeeded();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sync);
    await this.#writing?.catch(() => undefined);
    await this.#handle.close();
  }

  /** What comes while one write runs goes out together with the next. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting !== '') {
        const text = this.#waiting;
        this.#waiting = '';
        await this.#handle.appendFile(text);
        this.#unsynced = true;
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#error = new AipgError('internal', `${this.#path} cannot be written: ${reason}.`, { cause });
      throw this.#error;
    } finally {
      this.#writing = undefined;
    }
  }

  async #syncIfNeeded(): Promise<void> {
    if (!this.#unsynced) return;
    this.#unsynced = false;
    await this.#handle.datasync();
  }
}

/** Writes to a stream such as stdout, no faster than its reader takes it. The stream stays the caller's. */
export class StreamSink implements RecordSink {
  readonly #stream: NodeJS.WritableStream;
  readonly #signal: AbortSignal;
  #drained: Promise<unknown> | undefined;

  /** @param signal aborts when the reader has gone */
  constructor(stream: NodeJS.WritableStream, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
  }

  async write(text: string): Promise<void> {
    if (!this.#stream.write(text)) {
      this.#drained ??= once(this.#stream, 'drain', { signal: this.#signal }).finally(() => {
        this.#drained = undefined;
      });
    }
    await this.#drained;
  }

  async finish(): Promise<void> {
    await this.#drained;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#drained?.catch(() => undefined);
  }
}
