import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { AIPG, type Sandbox } from './aipg.ts';

/** A person's terminal: a shell in tmux, 100 columns wide, in which `aipg` is the built binary. */
export class Terminal implements AsyncDisposable {
  readonly #socket: string;
  /** Everything that is printed, as it comes: a change of it is the event to wait for. */
  readonly #output: string;

  private constructor(socket: string, output: string) {
    this.#socket = socket;
    this.#output = output;
  }

  static async open(home: Sandbox): Promise<Terminal> {
    const socket = join(home.home, `tmux-${randomUUID().slice(0, 8)}`);
    const output = `${socket}.out`;
    const bin = join(home.home, 'aipg.sh');
    await writeFile(output, '');
    await writeFile(
      bin,
      `aipg() { ${JSON.stringify(process.execPath)} ${JSON.stringify(AIPG)} "$@"; }\nPS1='$ '\n`,
    );
    const terminal = new Terminal(socket, output);
    await execa(
      'tmux',
      [
        '-S',
        socket,
        '-f',
        '/dev/null',
        'new-session',
        '-d',
        '-x',
        '100',
        '-y',
        '60',
        `bash --noprofile --rcfile ${bin}`,
      ],
      {
        env: { ...home.env, TERM: 'xterm-256color' },
        extendEnv: false,
      },
    );
    await terminal.#tmux('pipe-pane', '-O', `cat >> ${output}`);
    return terminal;
  }

  /** Types a line and presses Enter. */
  async type(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line);
    await this.#tmux('send-keys', 'Enter');
  }

  async press(key: string): Promise<void> {
    await this.#tmux('send-keys', key);
  }

  /** Types a command and waits for its end; resolves with what it left on the screen and its `$?`. */
  async run(command: string): Promise<{ screen: string; status: number }> {
    const end = await this.start(command);
    return await end();
  }

  /** Types a command; the function that it resolves with waits for its end. */
  async start(command: string): Promise<() => Promise<{ screen: string; status: number }>> {
    const name = randomUUID();
    const ended = this.#tmux('wait-for', name);
    await this.type(`clear; ${command}; echo "status $?"; tmux wait-for -S ${name}`);
    return async () => {
      await ended;
      const screen = await this.until(/^status (\d+)$/m);
      const status = Number(/^status (\d+)$/m.exec(screen)?.[1]);
      return {
        screen: screen.slice(screen.indexOf(name) < 0 ? 0 : screen.indexOf(name) + name.length + 1),
        status,
      };
    };
  }

  /** What the screen shows, with everything above it, as plain text or with its colours. */
  async screen({ colors = false } = {}): Promise<string> {
    return await this.#tmux('capture-pane', '-p', '-J', '-S', '-', ...(colors ? ['-e'] : []));
  }

  /** Resolves with the screen once it shows something. */
  async until(shown: RegExp): Promise<string> {
    const changes = watch(this.#output);
    try {
      for (;;) {
        const changed = once(changes, 'change');
        const screen = await this.screen();
        if (shown.test(screen)) return screen;
        await changed;
      }
    } finally {
      changes.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server');
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await execa('tmux', ['-S', this.#socket, ...args]);
    return stdout;
  }
}
