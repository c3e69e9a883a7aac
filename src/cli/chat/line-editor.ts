import process from 'node:process';
import { createInterface } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { KeyInput } from './key-input.ts';
import { asOneLine, fromOneLine } from './pasted-text.ts';

const BRACKETED_PASTE_ON = '\u001b[?2004h';
const BRACKETED_PASTE_OFF = '\u001b[?2004l';

/** How reading a line ended: with the line, by Ctrl-C, or by Ctrl-D or a closed terminal. */
export type Line =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'interrupt' }
  | { readonly type: 'end' };

export interface LineEditorOptions {
  readonly output: WriteStream;
  /** Earlier messages, the newest first. */
  readonly history: readonly string[];
  /** What Tab may make of a line. */
  readonly complete: (line: string) => readonly string[];
}

/** Reads lines from a person at a terminal, with the keys, history and completion of readline. */
export class LineEditor implements Disposable {
  readonly #output: WriteStream;
  readonly #complete: LineEditorOptions['complete'];
  readonly #keys = new KeyInput(process.stdin);
  #history: string[];

  constructor({ output, history, complete }: LineEditorOptions) {
    this.#output = output;
    this.#complete = complete;
    this.#history = history.map(asOneLine);
    this.#keys.setRawMode(true);
    output.write(BRACKETED_PASTE_ON);
  }

  /** Offers a message again at Arrow up. */
  remember(message: string): void {
    const line = asOneLine(message);
    this.#history = [line, ...this.#history.filter((other) => other !== line)];
  }

  /** What Ctrl-C does while no line is read. */
  set onInterrupt(act: () => void) {
    this.#keys.onInterrupt = act;
  }

  /** @throws the signal's reason on abort */
  async read(prompt: string, signal: AbortSignal): Promise<Line> {
    signal.throwIfAborted();
    const reader = createInterface({
      input: this.#keys,
      output: this.#output,
      terminal: true,
      prompt,
      history: [...this.#history],
      historySize: this.#history.length + 1,
      completer: (line: string) => [[...this.#complete(line)], line],
    });
    const { promise, resolve, reject } = Promise.withResolvers<Line>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    reader.once('line', (text) => resolve({ type: 'line', text: fromOneLine(text) }));
    reader.once('close', () => resolve({ type: 'end' }));
    reader.once('SIGINT', () => {
      reader.write(null, { ctrl: true, name: 'e' });
      reader.write(null, { ctrl: true, name: 'u' });
      resolve({ type: 'interrupt' });
    });
    reader.prompt();
    this.#keys.open((text) => reader.write(asOneLine(text)));
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#keys.close();
      reader.close();
      // readline has given the terminal back; keys are ours until the editor is disposed.
      this.#keys.setRawMode(true);
    }
  }

  [Symbol.dispose](): void {
    this.#output.write(BRACKETED_PASTE_OFF);
    this.#keys.setRawMode(false);
    this.#keys.destroy();
  }
}
