import { once } from 'node:events';
import process from 'node:process';
import { type Instance, render } from 'ink';
import { changedLines } from './changed-lines.ts';
import { FrameClock } from './frame-clock.ts';
import { MOUSE, readMouse } from './mouse.ts';
import { type Suspend, TopKeys } from './top-keys.tsx';
import type { TopModel } from './top-model.ts';

import type { Effect, Key } from './ui-state.ts';

export interface TopScreenOptions {
  readonly model: TopModel;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Whether the terminal is to tell of the mouse, and so marks no text by itself. */
  readonly mouse: boolean;
  /** What keys ask for, but for what is the screen's own. */
  readonly onEffect: (effect: Exclude<Effect, { type: 'suspend' | 'copy' }>) => void;
}

/** Text that is wider than the terminal takes it for stays on its line. */
const WRAP = { off: '\u001b[?7l', on: '\u001b[?7h' };

/**
 * The model on a whole terminal, which gets its own picture back at the end, however that comes. Ink has the terminal's
 * modes and its keys; the lines are ours, for Ink takes every frame apart and lays it out anew: see docs/benchmarks.md.
 */
export class TopScreen implements AsyncDisposable {
  readonly #options: TopScreenOptions;
  readonly #clock = new FrameClock(() => this.#draw());
  readonly #screen: Instance;
  readonly #failed = Promise.withResolvers<never>();
  #suspend: Suspend | undefined;
  #isAway = false;
  /** What is on the terminal, where that is known. */
  #drawn: readonly string[] | undefined;

  constructor(options: TopScreenOptions) {
    this.#options = options;
    const { stdin, stdout } = options;
    process.on('SIGTSTP', this.#onStop);
    process.once('uncaughtException', this.#failed.reject);
    process.once('exit', this.#restore);
    this.#screen = render(<TopKeys onKeys={this.#onKeys} onReady={this.#onReady} />, {
      stdin,
      stdout,
      alternateScreen: true,
      interactive: true,
      exitOnCtrlC: false,
      patchConsole: false,
    });
    // After Ink's own, which erases.
    stdout.on('resize', this.#onResize);
    this.#begin();
  }

  /** Rejects when drawing breaks. */
  get failed(): Promise<never> {
    return Promise.race([
      this.#failed.promise,
      this.#screen.waitUntilExit().then(() => new Promise<never>(() => {})),
    ]);
  }

  /** The picture has changed, by the grid or by a person. */
  update(cause: 'grid' | 'person' = 'grid'): void {
    if (!this.#isAway) this.#clock.request(cause);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clock[Symbol.dispose]();
    const { stdout } = this.#options;
    stdout.off('resize', this.#onResize);
    process.off('SIGTSTP', this.#onStop);
    process.off('uncaughtException', this.#failed.reject);
    process.off('exit', this.#restore);
    this.#restore();
    this.#screen.unmount();
    await this.#screen.waitUntilExit().catch(() => undefined);
  }

  readonly #onKeys = (keys: readonly Key[]): void => {
    for (const key of keys) {
      const effect = this.#options.model.press(key, this.#size);
      if (effect?.type === 'suspend') this.#onStop();
      else if (effect?.type === 'copy') this.#copy(effect.text);
      else if (effect) this.#options.onEffect(effect);
    }
    this.update('person');
  };

  readonly #onInput = (input: string | Uint8Array): void => {
    const keys = readMouse(String(input));
    if (keys.length > 0) this.#onKeys(keys);
  };

  readonly #onReady = (suspend: Suspend): void => {
    this.#suspend = suspend;
  };

  readonly #onResize = (): void => {
    this.#drawn = undefined;
    this.#draw();
  };

  /** Draws on a terminal of which nothing is known. */
  #begin(): void {
    const { stdin, stdout, mouse } = this.#options;
    stdout.write(WRAP.off + (mouse ? MOUSE.on : ''));
    // Beside Ink, which reads it and passes over what is no key.
    if (mouse) stdin.on('data', this.#onInput);
    this.#drawn = undefined;
    this.#draw();
  }

  readonly #restore = (): void => {
    const { stdin, stdout, mouse } = this.#options;
    stdin.off('data', this.#onInput);
    stdout.write((mouse ? MOUSE.off : '') + WRAP.on);
  };

  /** To the shell, as any program goes on Ctrl-Z, and back with `fg`. */
  readonly #onStop = (): void => {
    if (this.#isAway || !this.#suspend) return;
    this.#isAway = true;
    this.#restore();
    void this.#suspend(async () => {
      const continued = once(process, 'SIGCONT');
      process.off('SIGTSTP', this.#onStop);
      // The whole group, as the terminal would: whoever started us is to see that we have stopped.
      process.kill(0, 'SIGTSTP');
      await continued;
      process.on('SIGTSTP', this.#onStop);
    }).finally(() => {
      this.#isAway = false;
      this.#begin();
    });
  };

  get #size() {
    const { columns = 80, rows = 24 } = this.#options.stdout;
    return { columns, rows };
  }

  #draw(): void {
    if (this.#isAway) return;
    const size = this.#size;
    const lines = this.#options.model.frame(size);
    const changes = changedLines(this.#drawn, lines, size.columns);
    this.#drawn = lines;
    if (changes !== '') this.#options.stdout.write(changes);
  }

  /** OSC 52: the terminal puts it on its clipboard, also through ssh; it does not say whether it did. */
  #copy(text: string): void {
    this.#options.stdout.write(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`);
    this.#options.model.notify(`Sent to the terminal's clipboard: ${text}`);
  }
}
