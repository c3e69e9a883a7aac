import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Link } from './link.ts';
import type { Role } from './plan.ts';

/** An idle process that is asked to stop may take this long, in milliseconds; then it leaves a report and is killed. */
const STOP_MS = 10_000;
const REPORT_MS = 3_000;
/** A process has this long to be ready, in milliseconds. */
const READY_MS = 30_000;
/** Before a process that ended by itself is started again, in milliseconds, as an operator's supervisor would. */
const RESTART_MS = 500;

export interface ActorOptions {
  readonly role: Role;
  /** From 0. */
  readonly index: number;
  /** Ports of the bus's nodes. */
  readonly nodes: readonly number[];
  /** All that its processes write to stderr. */
  readonly log: string;
  readonly env: NodeJS.ProcessEnv;
  /** What to run with Node. @param run counts from 1 @param url where the bus is, for this process */
  readonly command: (run: number, url: string) => Promise<readonly string[]>;
  /** Whether this line, of stdout or stderr, says that it is ready. */
  readonly isReady: (line: string) => boolean;
  readonly onLine?: (line: string) => void;
  /** It ended without being asked to, other than a client that is done. */
  readonly onFailure: (reason: string) => void;
}

/** A place in the grid, and the processes that take it one after another: the one that was killed is followed by another. */
export class Actor implements AsyncDisposable {
  readonly role: Role;
  readonly index: number;
  readonly name: string;
  readonly link: Link;
  /** Of every process that was here, with when it began and when it was ended by force, in milliseconds since 1970. */
  readonly pids: number[] = [];
  /** Most memory that any of them had, in bytes. */
  peakMemory = 0;
  readonly #options: ActorOptions;
  readonly #log: WriteStream;
  readonly #done = Promise.withResolvers<void>();
  #current: { readonly child: ChildProcess; readonly exited: Promise<void>; expected: boolean } | undefined;
  #stopping = false;
  #told = '';

  private constructor(options: ActorOptions, link: Link) {
    this.#options = options;
    this.role = options.role;
    this.index = options.index;
    this.name = `${options.role} ${options.index + 1}`;
    this.link = link;
    this.#log = createWriteStream(options.log, { flags: 'a' });
  }

  /** Resolves when its first process is ready. */
  static async start(options: ActorOptions): Promise<Actor> {
    const actor = new Actor(options, await Link.open(options.nodes));
    await actor.#startAgain(options.onFailure);
    return actor;
  }

  /** Resolves when a process here has ended well by itself: a client that is done. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Sends a line to stdin, to its process of now and, until the next line, to each that follows. */
  tell(line: string): void {
    this.#told = `${line}\n`;
    this.#current?.child.stdin?.write(this.#told);
  }

  async kill(downMs: number): Promise<void> {
    await this.#end('SIGKILL');
    await delay(downMs);
    await this.#startAgain();
  }

  async suspend(ms: number): Promise<void> {
    const child = this.#current?.child;
    child?.kill('SIGSTOP');
    await delay(ms);
    child?.kill('SIGCONT');
  }

  /** Starts another in its place, then lets the old one end its jobs. */
  async replace(): Promise<void> {
    const old = this.#current;
    await this.#startAgain();
    if (!old) return;
    old.expected = true;
    old.child.kill('SIGTERM');
    await old.exited;
  }

  async measureMemory(): Promise<void> {
    const status = await readFile(`/proc/${this.#current?.child.pid}/status`, 'utf8').catch(() => '');
    const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    this.peakMemory = Math.max(this.peakMemory, kib * 1024);
  }

  /** @returns what it ended with, unless that was well */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<string | undefined> {
    this.#stopping = true;
    const child = this.#current?.child;
    const late = setTimeout(() => {
      // Node's own diagnostic report: what it still waits for.
      child?.kill('SIGUSR2');
      killLater = setTimeout(() => child?.kill('SIGKILL'), REPORT_MS);
    }, STOP_MS);
    let killLater: NodeJS.Timeout | undefined;
    await this.#end(signal);
    clearTimeout(late);
    clearTimeout(killLater);
    await this.link[Symbol.asyncDispose]();
    await new Promise<void>((resolve) => this.#log.end(resolve));
    if (!child || child.exitCode === 0 || signal === 'SIGKILL') return undefined;
    return `${this.name} (process ${child.pid}) ended with ${child.exitCode ?? child.signalCode} when it was asked to stop`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stopping) await this.stop('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const current = this.#current;
    if (!current) return;
    current.expected = true;
    current.child.kill(signal);
    await current.exited;
  }

  /** A process that ends before it is ready, as while the bus is down, is started again until one gets there. */
  async #startAgain(onFailure?: (reason: string) => void): Promise<void> {
    while (!this.#stopping) {
      try {
        return await this.#start();
      } catch (error) {
        onFailure?.(error instanceof Error ? error.message : String(error));
        await delay(RESTART_MS);
      }
    }
  }

  async #start(): Promise<void> {
    const run = this.pids.length + 1;
    const args = await this.#options.command(run, this.link.url);
    if (this.#stopping) return;
    const child = spawn(process.execPath, args, {
      env: this.#options.env,
      stdio: [this.role === 'client' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    // It may be killed at any time.
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(this.#told);
    const exited = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<void>();
    const current = { child, exited: exited.promise, expected: false };
    let isReady = false;
    this.#current = current;
    this.pids.push(child.pid ?? 0);
    this.#log.write(`--- process ${child.pid}, run ${run}, ${new Date().toISOString()}\n`);
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (stream === child.stderr) this.#log.write(`${line}\n`);
        if (!isReady && this.#options.isReady(line)) {
          isReady = true;
          ready.resolve();
        } else if (stream === child.stdout) this.#options.onLine?.(line);
      });
    }
    child.on('close', (code, signal) => {
      const reason = `${this.name} (process ${child.pid}) ended by itself with ${code ?? signal}`;
      this.#log.write(`--- process ${child.pid} ended with ${code ?? signal}\n`);
      exited.resolve();
      ready.reject(new Error(reason));
      if (current.expected || this.#stopping) return;
      if (isReady && code === 0 && this.role === 'client') this.#done.resolve();
      else if (isReady) {
        this.#options.onFailure(reason);
        void delay(RESTART_MS).then(() => this.#startAgain());
      }
    });
    // One that has said why it failed and does not end would hold its place for ever.
    const late = setTimeout(() => {
      this.#options.onFailure(
        `${this.name} (process ${child.pid}) was neither ready nor ended in ${READY_MS} ms`,
      );
      child.kill('SIGKILL');
    }, READY_MS);
    await ready.promise.finally(() => clearTimeout(late));
  }
}
