import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { guardCommand } from './guard.ts';

/** One run of a nats-server. */
export interface ServerProcess {
  /** Resolves once clients can connect; rejects with a {@link ServerEndedError} if it ends before. */
  readonly ready: Promise<ServerAddress>;
  /** Resolves when the process and all its helpers are gone. */
  readonly exited: Promise<ServerExit>;
  /** Asks it to end, kills it after `timeoutMs`; resolves when it is gone. */
  stop(timeoutMs: number): Promise<void>;
}

export interface ServerAddress {
  readonly pid: number;
  readonly port: number;
}

export interface ServerExit {
  /** Why it ended, in one line. */
  readonly reason: string;
  /** Its last lines of log. */
  readonly tail: readonly string[];
}

/** The server ended before it was ready. */
export class ServerEndedError extends Error {
  override readonly name = 'ServerEndedError';
  readonly tail: readonly string[];

  constructor({ reason, tail }: ServerExit) {
    super(reason);
    this.tail = tail;
  }
}

export interface ServerProcessOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly onLine: (line: string) => void;
  /** Killed when it is not ready by then. */
  readonly startTimeoutMs: number;
  /** Default: this one. */
  readonly platform?: NodeJS.Platform;
}

const TAIL_LINES = 12;
const LISTENING = /^\[(\d+)\] .*Listening for client connections on .*:(\d+)\s*$/;
const READY = /^\[\d+\] .*Server is ready\s*$/;

/**
 * Starts a nats-server in a process group of its own (a Ctrl-C in the terminal does not reach it) under a guard that
 * ends it when this process is gone. Readiness is what its own log says.
 */
export function launchServer(options: ServerProcessOptions): ServerProcess {
  const command = guardCommand(options.path, options.args, options.platform);
  const child = spawn(command.file, command.args, {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    windowsHide: true,
  });
  const tail: string[] = [];
  const ready = Promise.withResolvers<ServerAddress>();
  const exited = Promise.withResolvers<ServerExit>();
  let problem: string | undefined;
  let address: ServerAddress | undefined;

  const startTimer = setTimeout(() => {
    problem = `not ready within ${options.startTimeoutMs / 1000} s`;
    killGroup(child);
  }, options.startTimeoutMs);

  child.stdin.on('error', () => {});
  createInterface({ input: child.stderr }).on('line', (line) => {
    options.onLine(line);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    const [, pid, port] = LISTENING.exec(line) ?? [];
    if (pid !== undefined && port !== undefined) address = { pid: Number(pid), port: Number(port) };
    if (address === undefined || !READY.test(line)) return;
    clearTimeout(startTimer);
    ready.resolve(address);
  });
  child.on('error', (error) => {
    problem = error.message;
    if (child.pid === undefined) finish();
  });
  // If the guard alone was killed, the server would go on unguarded, and hold the port.
  child.on('exit', () => killGroup(child));
  child.on('close', finish);

  function finish(): void {
    clearTimeout(startTimer);
    const exit = { reason: problem ?? describeExit(child.exitCode, child.signalCode), tail };
    exited.resolve(exit);
    ready.reject(new ServerEndedError(exit));
  }
  ready.promise.catch(() => {});

  /** The server alone where its pid is known, so that the guard reaps it. */
  function killServer(): void {
    if (address === undefined || process.platform === 'win32') killGroup(child);
    else sendKill(address.pid);
  }

  return {
    ready: ready.promise,
    exited: exited.promise,
    async stop(timeoutMs) {
      child.stdin.end();
      const timer = setTimeout(() => killServer(), timeoutMs);
      await exited.promise;
      clearTimeout(timer);
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') child.kill('SIGKILL');
  else sendKill(-child.pid);
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** A shell reports a signal as 128 + its number. */
function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  const number = (code ?? 0) - 128;
  const name = signal ?? Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined ? `ended with exit code ${code}` : `ended by ${name}`;
}
