import { once } from 'node:events';
import process from 'node:process';
import { type Instance, render } from 'ink';
import { FrameClock } from './frame-clock.ts';
import type { TopModel } from './top-model.ts';
import { TopView } from './top-view.tsx';
import type { Effect, Key } from './ui-state.ts';

export interface TopScreenOptions {
  readonly model: TopModel;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** What keys ask for, but for what is the screen's own. */
  readonly onEffect: (effect: Exclude<Effect, { type: 'suspend' | 'copy' }>) => void;
}

/** The model on a whole terminal, which gets its own picture back at the end, however that comes. */
export class TopScreen implements AsyncDisposable {
  readonly #options: TopScreenOptions;
  readonly #clock = new FrameClock(() => this.#draw());
  readonly #screen: Instance;
  readonly #failed = Promise.withResolvers<never>();
  #suspend: ((callback: () => Promise<void>) => Promise<unknown>) | undefined;
  #isAway = false;

  constructor(options: TopScreenOptions) {
    this.#options = options;
    const { stdin, stdout } = options;
    // Before Ink's own, which would draw the old lines on the new size.
    stdout.on('resize', this.#onResize);
    process.on('SIGTSTP', this.#onStop);
    process.once('uncaughtException', this.#failed.reject);
    this.#screen = render(this.#view(), {
      stdin,
      stdout,
      alternateScreen: true,
      incrementalRendering: true,
      interactive: true,
      exitOnCtrlC: false,
      patchConsole: false,
      // The clock is ours: what Ink is given it draws.
      maxFps: 60,
    });
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

  readonly #onReady = (suspend: (callback: () => Promise<void>) => Promise<unknown>): void => {
    this.#suspend = suspend;
  };

  readonly #onResize = (): void => this.#draw();

  /** To the shell, as any program goes on Ctrl-Z, and back with `fg`. */
  readonly #onStop = (): void => {
    if (this.#isAway || !this.#suspend) return;
    this.#isAway = true;
    void this.#suspend(async () => {
      const continued = once(process, 'SIGCONT');
      process.off('SIGTSTP', this.#onStop);
      // The whole group, as the terminal would: whoever started us is to see that we have stopped.
      process.kill(0, 'SIGTSTP');
      await continued;
      process.on('SIGTSTP', this.#onStop);
    }).finally(() => {
      this.#isAway = false;
      this.#draw();
    });
  };

  get #size() {
    const { columns = 80, rows = 24 } = this.#options.stdout;
    return { columns, rows };
  }

  #draw(): void {
    if (!this.#isAway) this.#screen.rerender(this.#view());
  }

  #view() {
    const lines = this.#options.model.frame(this.#size);
    return <TopView lines={lines} onKeys={this.#onKeys} onReady={this.#onReady} />;
  }

  /** OSC 52: the terminal puts it on its clipboard, also through ssh; it does not say whether it did. */
  #copy(text: string): void {
    this.#options.stdout.write(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`);
    this.#options.model.notify(`Sent to the terminal's clipboard: ${text}`);
  }
}
