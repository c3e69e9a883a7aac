import process from 'node:process';
import { styleText } from 'node:util';

type Style = (text: string) => string;

/** Colours for a stream, as its terminal, `NO_COLOR`, `FORCE_COLOR` and `TERM` allow; plain text where they do not. */
export function paint(
  stream: NodeJS.WriteStream,
): Record<'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold', Style> {
  const on = hasColor(stream);
  const style =
    (name: Parameters<typeof styleText>[0]): Style =>
    (text) =>
      on ? styleText(name, text, { validateStream: false }) : text;
  return {
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    cyan: style('cyan'),
    dim: style('dim'),
    bold: style('bold'),
  };
}

export function hasColor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return !['', '0', 'false'].includes(env['FORCE_COLOR']);
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/**
 * Text of a model made safe for a terminal: without the control characters by which an output could move the cursor,
 * change the title or write to the clipboard. Line breaks and tabs stay.
 */
export function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be removed
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** One line on stderr that is drawn over itself; nothing where stderr is not a terminal. */
export class StatusLine implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  #shown = false;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (!this.#stream.isTTY) return;
    this.#stream.write(`\r\u001b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#stream.write('\r\u001b[2K');
    this.#shown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

/** Bytes for people: `3.8 MB`, in powers of ten. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 10 ** (3 * power);
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** A duration for people: `320 ms`, `4.2 s`, `3 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
