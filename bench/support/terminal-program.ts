import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;
/** Nothing takes this long to be drawn unless it never is, in milliseconds. */
const HANG_MS = 20_000;

/** On SIGUSR2 the program collects its garbage and writes the bytes that are left to a file. */
const TELL_HEAP = `data:text/javascript,${encodeURIComponent(
  "import{writeFileSync,renameSync}from'node:fs';const f=process.env.AIPG_BENCH_HEAP;" +
    "process.on('SIGUSR2',()=>{gc();writeFileSync(f+'.new',String(process.memoryUsage().heapUsed));renameSync(f+'.new',f)})",
)}`;

export interface Usage {
  /** Processor time of all its threads since its start, in milliseconds, in steps of {@link TICK_MS}. */
  readonly cpuMs: number;
  readonly residentMegabytes: number;
  /** Bytes that it has written to its terminal. */
  readonly written: number;
}

/** A program on a terminal of its own, of a size, by util-linux's `script`: nothing else draws or reads it. */
export class TerminalProgram implements AsyncDisposable {
  readonly #script: ChildProcess;
  readonly #folder: string;
  #pid = 0;
  #written = 0;
  #output = '';
  #onOutput: () => void = () => undefined;

  private constructor(script: ChildProcess, folder: string) {
    this.#script = script;
    this.#folder = folder;
    script.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#written += Buffer.byteLength(text);
      this.#output += text;
      this.#onOutput();
    });
  }

  /** @param args of this Node */
  static async start(
    args: readonly string[],
    { columns, rows, env }: { columns: number; rows: number; env: NodeJS.ProcessEnv },
  ): Promise<TerminalProgram> {
    const folder = mkdtempSync(join(tmpdir(), 'aipg-bench-'));
    const words = [process.execPath, '--expose-gc', '--import', TELL_HEAP, ...args].map(
      (word) => `'${word.replaceAll("'", "'\\''")}'`,
    );
    const line = `stty rows ${rows} cols ${columns}; echo "pid=$$;"; exec ${words.join(' ')}`;
    const script = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
      env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/sh', AIPG_BENCH_HEAP: join(folder, 'heap') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const program = new TerminalProgram(script, folder);
    const [, pid] = await program.until(/pid=(\d+);/);
    program.#pid = Number(pid);
    return program;
  }

  /** Types a key; resolves once something that is drawn after it matches, with the milliseconds that it took. */
  async press(key: string, shown: RegExp): Promise<number> {
    this.#output = '';
    const at = performance.now();
    this.#script.stdin?.write(key);
    await this.until(shown);
    return performance.now() - at;
  }

  /** Resolves once what was drawn since the last key matches. */
  async until(shown: RegExp): Promise<RegExpMatchArray> {
    const hang = AbortSignal.timeout(HANG_MS);
    for (;;) {
      const found = this.#output.match(shown);
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        this.#onOutput = resolve;
        hang.onabort = () => reject(new Error(`It never drew ${shown}, but: ${this.#output.slice(-4_000)}`));
      });
      // What has been looked at and is old can be forgotten; a pattern is never as long as what is kept.
      if (this.#output.length > 1_000_000) this.#output = this.#output.slice(-100_000);
    }
  }

  usage(): Usage {
    const [, fields = ''] = readFileSync(`/proc/${this.#pid}/stat`, 'utf8').split(') ');
    const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8')) ?? [];
    this.#output = '';
    return {
      cpuMs: TICK_MS * (user + system),
      residentMegabytes: Number(kilobytes) / 1_024,
      written: this.#written,
    };
  }

  /** What is alive on its heap after a collection, in megabytes. */
  async heapMegabytes(): Promise<number> {
    const file = join(this.#folder, 'heap');
    rmSync(file, { force: true });
    process.kill(this.#pid, 'SIGUSR2');
    while (!existsSync(file)) await delay(20);
    return Number(readFileSync(file, 'utf8')) / 2 ** 20;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    if (this.#script.exitCode !== null) return;
    const gone = once(this.#script, 'exit');
    process.kill(this.#pid, 'SIGTERM');
    await gone;
  }
}
