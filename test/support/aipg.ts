import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { execa, type Options, type ResultPromise } from 'execa';
import { ensureBusServer } from '../../src/runtime/bus/server/ensure.ts';
import { resolvePaths } from '../../src/runtime/config/paths.ts';

const ROOT = resolve(import.meta.dirname, '../..');
export const AIPG = join(ROOT, 'bin/run.js');
export const TINY_MODEL = join(ROOT, 'models/aipg-tiny-f16.gguf');

/** Nothing that a test runs takes this long, in milliseconds: it hangs. */
const HANG_MS = 45_000;

/** What would be measured on a machine that is busy with other tests would be wrong. */
export const ONE_THREAD = ['--threads', '1'];

/** What serves a whole file of tests, in milliseconds. */
const SERVING_MS = 600_000;

const RUN_OPTIONS = {
  reject: false,
  stripFinalNewline: false,
  extendEnv: false,
  timeout: HANG_MS,
  killSignal: 'SIGKILL',
} as const satisfies Options;
type RunOptions = typeof RUN_OPTIONS;

export interface AipgOptions {
  /** What stdin holds; without it, stdin is /dev/null. */
  readonly input?: string | Uint8Array | undefined;
  /** On top of the sandbox's own; `undefined` unsets. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** An open stdin that nobody writes to. */
  readonly openStdin?: boolean | undefined;
}

export type AipgRun = ResultPromise<RunOptions & { stdin: 'ignore' | 'pipe' }>;

/** A user's home of its own: settings, data and state are empty, and nothing of the tester's environment gets in. */
export class Sandbox implements AsyncDisposable {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(home: string, env: Record<string, string>) {
    this.home = home;
    this.env = env;
  }

  /** The bus server, and the count of threads for the bundled model, come from the tester's own cache. */
  static async create(): Promise<Sandbox> {
    const { cache } = resolvePaths();
    const { path: busServer } = await ensureBusServer({ cacheDir: cache });
    const home = await mkdtemp(join(tmpdir(), 'aipg-home-'));
    const sandbox = new Sandbox(home, {
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      // The shell's `env node` must be the node of the tests.
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      LANG: 'C.UTF-8',
      AIPG_NATS_SERVER: busServer,
      AIPG_GPU: 'off',
      // Compiled once for all tests.
      NODE_COMPILE_CACHE: join(cache, 'compiled'),
    });
    await mkdir(sandbox.paths.cache, { recursive: true });
    const measured = join(cache, 'threads.json');
    if (!existsSync(measured)) await sandbox.aipg(['gen', 'x'], { env: { XDG_CACHE_HOME: dirname(cache) } });
    await copyFile(measured, join(sandbox.paths.cache, 'threads.json'));
    return sandbox;
  }

  /** Where the binary keeps its files here. */
  get paths() {
    return resolvePaths(this.env, this.home);
  }

  /** Runs the built binary to its end; a failure is a result like any other. */
  aipg(args: readonly string[], options: AipgOptions = {}): AipgRun {
    return this.#start(args, { ...options, timeout: HANG_MS });
  }

  #start(
    args: readonly string[],
    { input, env, openStdin = false, timeout }: AipgOptions & { readonly timeout: number },
  ): AipgRun {
    return execa(process.execPath, [AIPG, ...args], {
      ...RUN_OPTIONS,
      timeout,
      env: { ...this.env, ...env },
      ...(input === undefined ? { stdin: openStdin ? 'pipe' : 'ignore' } : { input }),
    }) as AipgRun;
  }

  /** Runs a line of bash in which `aipg` is the built binary. */
  bash(line: string) {
    const script = `aipg() { ${JSON.stringify(process.execPath)} ${JSON.stringify(AIPG)} "$@"; }\n${line}`;
    return execa('bash', ['-c', script], { ...RUN_OPTIONS, env: this.env, stdin: 'ignore' });
  }

  /** Starts a command that serves until it is stopped. */
  serve(args: readonly string[], options: AipgOptions = {}): Served {
    return new Served(this.#start(args, { ...options, timeout: SERVING_MS }));
  }

  /** A grid of this home; resolves when it says that it is up. */
  async startUp(args: readonly string[] = [], options: AipgOptions = {}): Promise<ServedGrid> {
    const up = this.serve(['up', '--json', ...ONE_THREAD, ...args], options);
    const { url, model, pid } = await up.stdout.json<{ url: string; model: string; pid: number }>();
    return Object.assign(up, { url, model, upPid: pid });
  }

  /** Resolves when the worker serves. Its log tells of each lease. */
  async startWorker(url: string, args: readonly string[] = []): Promise<ServedWorker> {
    const worker = this.serve(['worker', '--grid', url, '--log-level', 'debug', ...ONE_THREAD, ...args]);
    const { worker: id } = await worker.stderr.json<{ worker: string }>(({ msg }) => msg === 'serving');
    return Object.assign(worker, { id });
  }

  /** Resolves when the director admits jobs. */
  async startDirector(url: string): Promise<Served> {
    const director = this.serve(['director', '--grid', url]);
    await director.stderr.json(({ msg }) => msg === 'admitting jobs');
    return director;
  }

  /** The nats-servers of this home, and their guards, that run now. */
  async busProcesses(): Promise<string[]> {
    const { stdout } = await execa('ps', ['-ww', '-eo', 'pid=,args=']);
    return stdout.split('\n').filter((line) => line.includes(join(this.paths.data, 'bus')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = await this.busProcesses();
    if (left.length > 0) throw new Error(`Left running:\n${left.join('\n')}`);
    // A process that was killed leaves its own child, which may be writing yet: nobody can wait for that one's end.
    await rm(this.home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** A command that runs until it is stopped; disposing it stops it as an operator would. */
export class Served implements AsyncDisposable {
  readonly run: AipgRun;
  readonly stdout: Lines;
  readonly stderr: Lines;
  #ended = false;

  constructor(run: AipgRun) {
    this.run = run;
    this.stdout = new Lines(run.stdout as Readable);
    this.stderr = new Lines(run.stderr as Readable);
    void run.finally(() => {
      this.#ended = true;
    });
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM') {
    this.run.kill(signal);
    return await this.run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.stop();
  }
}

export type ServedGrid = Served & { readonly url: string; readonly model: string; readonly upPid: number };
export type ServedWorker = Served & { readonly id: string };

/** The lines of a stream as they come, kept. */
export class Lines {
  readonly all: string[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(stream: Readable) {
    const reader = createInterface({ input: stream });
    reader.on('line', (line) => {
      this.all.push(line);
      this.#wake();
    });
    reader.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** The first line, of those so far or to come, that matches. */
  async until(matches: (line: string) => boolean): Promise<string> {
    for (let next = 0; ; ) {
      for (; next < this.all.length; next++) {
        const line = this.all[next] as string;
        if (matches(line)) return line;
      }
      if (this.#ended)
        throw new Error(`The stream ended without the line that was waited for:\n${this.all.join('\n')}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The first line that is a JSON object and matches. */
  async json<T = Record<string, unknown>>(
    matches: (object: Record<string, unknown>) => boolean = () => true,
  ): Promise<T> {
    const line = await this.until((text) => {
      const object = parseObject(text);
      return object !== undefined && matches(object);
    });
    return JSON.parse(line) as T;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Resolves with the first piece that a running command prints on stdout. */
export async function firstOutput(run: AipgRun): Promise<string> {
  const [chunk] = (await Promise.race([
    once(run.stdout as Readable, 'data'),
    run.then((result) => {
      throw new Error(`It ended (${result.exitCode}) without any output: ${result.stderr}`);
    }),
  ])) as [Buffer];
  return chunk.toString();
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
