import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as untilDelivered } from 'node:timers/promises';
import type { ReadStream } from 'node:tty';
import { KeySegments, type Segment } from './key-segments.ts';

const CTRL_C = '\u0003';

/**
 * The keys of a terminal, for a line editor to read. While nobody edits a line they wait, and Ctrl-C interrupts what
 * goes on instead; a line at a time is let through, so that what is typed ahead stays for the next.
 */
export class KeyInput extends Readable {
  /** Called at Ctrl-C while no line is edited. */
  onInterrupt: () => void = () => undefined;
  readonly #terminal: ReadStream;
  readonly #decoder = new StringDecoder('utf8');
  readonly #segments = new KeySegments();
  #waiting: Segment[] = [];
  #onPaste: ((text: string) => void) | undefined;
  #pumping = false;

  constructor(terminal: ReadStream) {
    super();
    this.#terminal = terminal;
    terminal.on('data', this.#receive).once('end', this.#end);
  }

  override _read(): void {}

  /** For readline, which sets it. */
  setRawMode(raw: boolean): this {
    this.#terminal.setRawMode(raw);
    return this;
  }

  get isRaw(): boolean {
    return this.#terminal.isRaw;
  }

  /** A line is edited from now on, to its end. */
  open(onPaste: (text: string) => void): void {
    this.#onPaste = onPaste;
    void this.#pump();
  }

  close(): void {
    this.#onPaste = undefined;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#terminal.off('data', this.#receive).off('end', this.#end).pause();
    done(error);
  }

  readonly #receive = (chunk: Buffer): void => {
    for (const segment of this.#segments.push(this.#decoder.write(chunk))) {
      const interrupted = segment.type === 'keys' ? segment.text.lastIndexOf(CTRL_C) : -1;
      if (interrupted < 0 || this.#onPaste) {
        this.#waiting.push(segment);
        continue;
      }
      const rest = segment.text.slice(interrupted + 1);
      this.#waiting = rest === '' ? [] : [{ type: 'keys', text: rest }];
      this.onInterrupt();
    }
    void this.#pump();
  };

  readonly #end = (): void => {
    this.push(null);
  };

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#onPaste) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (next.type === 'paste') {
        this.#onPaste(next.text);
        continue;
      }
      if (/[\r\n]$/.test(next.text)) this.close();
      this.push(next.text);
      await untilDelivered();
    }
    this.#pumping = false;
  }
}
