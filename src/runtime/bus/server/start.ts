import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type BackoffOptions, createBackoff, RESTART_BACKOFF } from './backoff.ts';
import type { BusServer } from './bus-server.ts';
import { throwIfCancelled } from './cancel.ts';
import { acquireDataLock, type DataLock } from './data-lock.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { BUS_HOST, type BusTrust, localUrl, renderServerConfig, type ServerTls } from './server-config.ts';
import { launchServer, ServerEndedError, type ServerProcess } from './server-process.ts';
import { startError } from './start-error.ts';

/** `restarting` follows a crash and lasts until `starting`; `stopped` is the end. */
export type BusServerState = 'starting' | 'ready' | 'restarting' | 'stopped';

export interface BusServerStateChange {
  readonly state: BusServerState;
  /** Why it is restarting or stopped. */
  readonly reason?: string;
  /** `restarting`: how long until the next start. */
  readonly delayMs?: number;
}

export interface StartBusServerOptions {
  readonly server: BusServer;
  /** JetStream's folder, ours alone; made with mode 0700. */
  readonly dataDir: string;
  /** Appended to; above 8 MiB it becomes `<logFile>.1`. */
  readonly logFile: string;
  /** Default: a free one, kept for as long as this server runs. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string | undefined;
  /** Asks everybody for a key. Read at each start and by {@link RunningBusServer.reload}. */
  readonly trust?: (() => Promise<BusTrust>) | undefined;
  /** Speaks TLS alone, by this certificate. */
  readonly tls?: ServerTls | undefined;
  /** The server's name on the bus, without blanks. Default `aipg`. */
  readonly name?: string | undefined;
  /** Bytes for memory streams. Default 1 GiB. */
  readonly maxMemoryBytes?: number | undefined;
  /** Bytes for file streams. Default 64 GiB. */
  readonly maxFileBytes?: number | undefined;
  /** Flush each write before it is acknowledged. Default false: the disk gets it within 2 minutes. */
  readonly syncAlways?: boolean | undefined;
  /** Default 60 s: a large store takes a while to recover. */
  readonly startTimeoutMs?: number | undefined;
  /** How long a graceful stop may take before the server is killed. Default 5 s. */
  readonly stopTimeoutMs?: number | undefined;
  readonly backoff?: BackoffOptions | undefined;
  readonly onStateChange?: ((change: BusServerStateChange) => void) | undefined;
  /** Stops the server, whether it is starting or running. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningBusServer extends AsyncDisposable {
  /** Where this machine reaches it, the same for as long as this server runs. */
  readonly url: string;
  readonly port: number;
  /** Of nats-server itself; undefined while it is down. */
  readonly pid: number | undefined;
  readonly version: string;
  readonly path: string;
  readonly state: BusServerState;
  /** Takes over what has changed of whom it trusts; a member that was revoked is cut off. Needs a fixed port. */
  reload(): Promise<void>;
  /** Resolves when the process is gone and the data folder is free. May be called again. */
  stop(reason?: string): Promise<void>;
}

const GIB = 1024 ** 3;

/**
 * Runs a nats-server with JetStream, on 127.0.0.1 unless told otherwise, and resolves once clients can connect. It is restarted when it dies,
 * and dies with this process.
 * @throws AipgError `port-in-use`, `bus-server-failed` (with its last words; also when the folder is in use), `cancelled`
 */
export async function startBusServer(options: StartBusServerOptions): Promise<RunningBusServer> {
  throwIfCancelled(options.signal, 'the start of the bus server');
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  await chmod(options.dataDir, 0o700);
  const lock = await acquireDataLock(options.dataDir);
  let log: LogFile;
  try {
    log = openLogFile(options.logFile);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return new Supervisor(options, lock, log).start();
}

class Supervisor implements RunningBusServer {
  state: BusServerState = 'starting';
  pid: number | undefined;
  port: number;
  readonly version: string;
  readonly path: string;
  readonly #options: StartBusServerOptions;
  readonly #lock: DataLock;
  readonly #log: LogFile;
  readonly #stopping = new AbortController();
  readonly #onAbort = () => void this.stop('cancelled');
  #process: ServerProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: StartBusServerOptions, lock: DataLock, log: LogFile) {
    this.port = options.port ?? -1;
    this.version = options.server.version;
    this.path = options.server.path;
    this.#options = options;
    this.#lock = lock;
    this.#log = log;
  }

  get url(): string {
    const { host = BUS_HOST, tls } = this.#options;
    return localUrl(host, this.port, tls ? 'tls' : 'nats');
  }

  /** The first start: its failure is the caller's. */
  async start(): Promise<RunningBusServer> {
    const { signal, logFile } = this.#options;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
    try {
      await this.#launch();
    } catch (cause) {
      const error =
        cause instanceof ServerEndedError
          ? startError(cause, { port: this.port, path: this.path, logFile })
          : cause;
      await this.stop(error instanceof Error ? error.message : String(error));
      throwIfCancelled(signal, 'the start of the bus server');
      throw error;
    }
    this.#supervision = this.#supervise(performance.now());
    return this;
  }

  async reload(): Promise<void> {
    await this.#writeConfig();
    if (this.pid !== undefined) process.kill(this.pid, 'SIGHUP');
  }

  stop(reason = 'asked to stop'): Promise<void> {
    this.#stopped ??= this.#stop(reason);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(reason: string): Promise<void> {
    this.#stopping.abort();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#process?.stop(this.#options.stopTimeoutMs ?? 5_000);
    await this.#supervision;
    this.#log.close();
    await this.#lock.release();
    this.pid = undefined;
    this.#enter({ state: 'stopped', reason });
  }

  /** Starts a process and waits until it is ready. @throws ServerEndedError */
  async #launch(): Promise<void> {
    this.#enter({ state: 'starting' });
    const config = await this.#writeConfig();
    if (this.#stopping.signal.aborted) throw new ServerEndedError({ reason: 'was stopped', tail: [] });
    this.#process = launchServer({
      path: this.path,
      args: ['-c', config],
      onLine: (line) => this.#log.write(line),
      startTimeoutMs: this.#options.startTimeoutMs ?? 60_000,
    });
    const { port, pid } = await this.#process.ready;
    // Only a start right after a crash of ours reads it: not worth failing for a full disk.
    await this.#lock.setServer(pid).catch(() => {});
    this.port = port;
    this.pid = pid;
    this.#enter({ state: 'ready' });
  }

  /** Restarts the process until it is stopped. Never rejects. */
  async #supervise(firstReadyAt: number): Promise<void> {
    const backoff = createBackoff(this.#options.backoff ?? RESTART_BACKOFF);
    const { signal } = this.#stopping;
    let readyAt: number | undefined = firstReadyAt;
    for (;;) {
      const reason = (await this.#process?.exited)?.reason ?? 'did not start';
      this.pid = undefined;
      if (signal.aborted) return;
      const delayMs = backoff(readyAt === undefined ? 0 : performance.now() - readyAt);
      this.#enter({ state: 'restarting', reason, delayMs });
      await delay(delayMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      readyAt = await this.#launch().then(
        () => performance.now(),
        () => undefined,
      );
    }
  }

  async #writeConfig(): Promise<string> {
    const {
      dataDir,
      name = 'aipg',
      maxMemoryBytes = GIB,
      maxFileBytes = 64 * GIB,
      syncAlways = false,
      host,
      trust,
      tls,
    } = this.#options;
    const path = join(dataDir, 'nats-server.conf');
    const config = renderServerConfig({
      storeDir: dataDir,
      port: this.port,
      name,
      maxMemoryBytes,
      maxFileBytes,
      syncAlways,
      host,
      trust: await trust?.(),
      tls,
    });
    await writeFile(path, config, { mode: 0o600 });
    return path;
  }

  #enter(change: BusServerStateChange): void {
    this.state = change.state;
    this.#options.onStateChange?.(change);
  }
}
