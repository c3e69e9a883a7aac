import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { AIPG, type Sandbox } from './aipg.ts';

export interface Ended {
  readonly screen: string;
  readonly status: number;
}

/** Nothing takes this long unless it hangs, in milliseconds. */
const HANG_MS = 45_000;

/** A person's terminal: a shell in tmux, 100 columns wide, in which `aipg` is the built binary. */
export class Terminal implements AsyncDisposable {
  readonly #socket: string;
  /** Everything that is printed, as it comes: a change of it is the event to wait for. */
  readonly #output: string;
  #prompts = 0;

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
      [
        `aipg() { ${JSON.stringify(process.execPath)} ${JSON.stringify(AIPG)} "$@"; }`,
        `PROMPT_COMMAND='echo $? > ${socket}.status; n=$((n + 1)); tmux wait-for -S prompt-$n'`,
        "PS1='$ '",
      ].join('\n'),
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
        `exec bash --noprofile --rcfile ${bin}`,
      ],
      {
        env: { ...home.env, TERM: 'xterm-256color' },
        extendEnv: false,
      },
    );
    await terminal.#tmux('pipe-pane', '-O', `cat >> ${output}`);
    await terminal.#prompt();
    return terminal;
  }

  async press(key: string): Promise<void> {
    await this.#tmux('send-keys', key);
  }

  /** Types text as it is, without Enter. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text);
  }

  /** Pastes text as a terminal does: between brackets where the program has asked for them. */
  async paste(text: string): Promise<void> {
    await this.#tmux('set-buffer', '-b', 'pasted', text);
    await this.#tmux('paste-buffer', '-p', '-r', '-d', '-b', 'pasted');
  }

  /** Gives the terminal another width, in columns. */
  async resize(columns: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns));
  }

  /** Whether what runs has asked to be told of the mouse. */
  async mouse(): Promise<boolean> {
    return (await this.#tmux('display-message', '-p', '#{mouse_any_flag}')).trim() === '1';
  }

  /** Sends a signal to what runs in the foreground. */
  async signalForeground(signal: 'TERM' | 'HUP' | 'USR2'): Promise<void> {
    const tty = await this.#tmux('display-message', '-p', '#{pane_tty}');
    const { stdout } = await execa('ps', ['-t', tty.trim(), '-o', 'pid=,stat=,comm=']);
    const running = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    const [pid] = running.find(([, stat = '', name]) => stat.includes('+') && name !== 'bash') ?? [];
    if (pid === undefined) throw new Error(`Nothing runs in the foreground:\n${stdout}`);
    process.kill(Number(pid), `SIG${signal}`);
  }

  /** Types a command and waits for its end; resolves with what is on the screen and its `$?`. */
  async run(command: string): Promise<Ended> {
    const ended = await this.start(command);
    return await ended();
  }

  /** Types a command on an empty screen; the function that it resolves with waits for its end. */
  async start(command: string): Promise<() => Promise<Ended>> {
    await this.#tmux('send-keys', '-R');
    await this.#tmux('clear-history');
    await this.#tmux('send-keys', '-l', command);
    await this.#tmux('send-keys', 'Enter');
    return async () => {
      const status = await this.#prompt();
      return { screen: await this.screen(), status };
    };
  }

  /** Waits for the shell's next prompt; resolves with the status of the command before it. */
  async #prompt(): Promise<number> {
    this.#prompts += 1;
    await this.#tmux('wait-for', `prompt-${this.#prompts}`);
    return Number(await readFile(`${this.#socket}.status`, 'utf8'));
  }

  /** What the screen shows, with everything above it, as plain text or with its colours. */
  async screen({ colors = false } = {}): Promise<string> {
    return await this.#tmux('capture-pane', '-p', '-J', '-S', '-', ...(colors ? ['-e'] : []));
  }

  /** Resolves with the screen once it shows something; what never does is told with the screen. */
  async until(shown: RegExp): Promise<string> {
    const changes = watch(this.#output);
    const hang = AbortSignal.timeout(HANG_MS);
    try {
      for (;;) {
        const changed = once(changes, 'change', { signal: hang });
        changed.catch(() => undefined);
        const screen = await this.screen();
        if (shown.test(screen)) return screen;
        await changed.catch(() => {
          throw new Error(`The terminal never showed ${shown}, but:\n${screen}`);
        });
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
