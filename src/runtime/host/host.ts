import { join } from 'node:path';
import process from 'node:process';
import { connectBus } from '../bus/connect.ts';
import { ensureBusServer } from '../bus/server/ensure.ts';
import type { ServerTls } from '../bus/server/server-config.ts';
import { startBusServer } from '../bus/server/start.ts';
import { hostsOf } from '../bus/tls.ts';
import type { Paths } from '../config/paths.ts';
import { removeRunningGrid, writeRunningGrid } from '../config/running-grid.ts';
import { Director } from '../director/director.ts';
import type { Policy } from '../director/policy/policy.ts';
import type { Authority } from '../identity/authority.ts';
import { watchMembers } from '../identity/watch-members.ts';
import type { Log } from '../protocol/log.ts';
import type { Region } from '../protocol/worker.ts';
import type { DrainOptions } from '../worker/worker.ts';
import { ModelShelf } from './model-shelf.ts';
import { type ServeProgress, serveModel } from './serve-model.ts';

export { isLoopback, type ServerTls } from '../bus/server/server-config.ts';
export { hostsOf } from '../bus/tls.ts';

export type HostPart = 'bus' | 'director' | 'worker';

/** What a part of the host does now, for whoever shows it. */
export interface HostProgress {
  readonly part: HostPart;
  readonly state: 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';
  readonly detail?: string;
}

export interface HostOptions {
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly model?: string | undefined;
  readonly slots: number;
  readonly threads?: number | undefined;
  readonly region?: Region | undefined;
  /** Of the bus. Default: a free one. */
  readonly port?: number | undefined;
  /** Opens the grid to members with keys. */
  readonly open?: OpenTo | undefined;
  /** What the grid takes. Default: everything. */
  readonly policy?: Policy | undefined;
  /** Whether the grid keeps a ledger. Default: as it does. */
  readonly credits?: boolean | undefined;
  readonly log: Log;
  /** Gives up the start; what runs then is stopped by {@link Host.stop}. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: HostProgress) => void;
}

/** Where an open grid listens, and who says who may come. */
export interface OpenTo {
  readonly host: string;
  readonly port: number;
  readonly authority: Authority;
  /** Absent: in the clear. */
  readonly tls?: ServerTls | undefined;
}

/** A whole grid on this machine: bus, director and worker. */
export interface Host extends AsyncDisposable {
  readonly url: string;
  readonly model: string;
  /** Stops the parts from the worker down; running jobs may end first. */
  stop(options?: DrainOptions): Promise<void>;
}

/**
 * Starts every part and tells the other commands of this machine where it is. What was started is stopped again when
 * a later part fails.
 * @throws AipgError `bus-server-missing`, `port-in-use`, `bus-server-failed`, and what {@link serveModel} throws
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { paths, env, version, log, onProgress, open } = options;
  await using started = new AsyncDisposableStack();
  // Only while starting: what runs is stopped in order, by `stop`.
  const starting = new AbortController();
  const abort = () => starting.abort(options.signal.reason);
  options.signal.addEventListener('abort', abort);
  if (options.signal.aborted) abort();
  const { signal } = starting;

  onProgress({ part: 'bus', state: 'starting', detail: 'looking for nats-server' });
  const server = await ensureBusServer({
    cacheDir: paths.cache,
    env,
    signal,
    onProgress: ({ source, step }) =>
      onProgress({ part: 'bus', state: 'starting', detail: `${source}: ${step}` }),
  });
  let serving = false;
  const bus = await startBusServer({
    server,
    dataDir: join(paths.data, 'bus'),
    logFile: join(paths.state, 'bus.log'),
    port: open?.port ?? options.port,
    host: open?.host,
    tls: open?.tls,
    trust: open && (() => open.authority.trust()),
    signal,
    onStateChange: ({ state, reason }) => {
      if (!serving || state === 'stopped') return;
      log.warn({ part: 'bus', state, reason }, 'bus changed');
      onProgress({ part: 'bus', state, ...(reason !== undefined && { detail: reason }) });
    },
  });
  started.use(bus);
  onProgress({ part: 'bus', state: 'ready', detail: `nats-server ${bus.version} at ${bus.url}` });

  onProgress({ part: 'director', state: 'starting' });
  onProgress({ part: 'worker', state: 'starting' });
  if (open) {
    const onRevoked = () =>
      void bus.reload().catch((error: unknown) => log.error({ reason: String(error) }, 'keys not reloaded'));
    started.use(watchMembers(open.authority, onRevoked));
  }
  // Keys of these processes alone, which are forgotten when they end.
  const trust = open?.tls && {
    ca: await open.authority.certificates.ca(),
    hosts: hostsOf(open.authority.url),
  };
  const connect = async (role: 'director' | 'worker') => {
    const credentials = await open?.authority.mint(role);
    const connection = await connectBus({ url: bus.url, name: `aipg up (${role})`, credentials, ...trust });
    started.defer(() => connection.close());
    return connection;
  };
  const directing = await connect('director');
  const { policy, credits } = options;
  const shelf = started.use(new ModelShelf({ env, cacheDir: paths.cache, log }));
  const { measure, countTokens } = shelf;
  const directorOptions = { connection: directing, version, log, measure, countTokens };
  started.use(await Director.start({ ...directorOptions, policy, credits }));
  onProgress({ part: 'director', state: 'ready' });

  const served = await serveModel({
    connection: open ? await connect('worker') : directing,
    paths,
    env,
    version,
    model: options.model,
    slots: options.slots,
    threads: options.threads,
    region: options.region,
    log,
    signal,
    onProgress: (progress) => onProgress({ part: 'worker', state: 'starting', detail: describe(progress) }),
  });
  started.use(served);
  onProgress({
    part: 'worker',
    state: 'ready',
    detail: describeWorker(served.model, options.slots, served.threads),
  });
  writeRunningGrid(paths, {
    pid: process.pid,
    url: bus.url,
    model: served.model,
    ...(open && { profile: open.authority.name }),
    startedAt: Date.now(),
  });
  // The rest of the grid stays up: others may serve it.
  void served.worker.toldToDrain.then(async () => {
    onProgress({ part: 'worker', state: 'stopping', detail: 'told to drain' });
    await served.drain();
    onProgress({ part: 'worker', state: 'stopped', detail: 'told to drain; aipg worker serves again' });
  });
  serving = true;
  options.signal.removeEventListener('abort', abort);

  const parts = started.move();
  let stopped: Promise<void> | undefined;
  const stop = (drain?: DrainOptions): Promise<void> => {
    const draining = served.drain(drain);
    stopped ??= (async () => {
      serving = false;
      onProgress({ part: 'worker', state: 'stopping' });
      await draining;
      removeRunningGrid(paths);
      onProgress({ part: 'worker', state: 'stopped' });
      onProgress({ part: 'director', state: 'stopping' });
      onProgress({ part: 'bus', state: 'stopping' });
      await parts.disposeAsync();
      onProgress({ part: 'director', state: 'stopped' });
      onProgress({ part: 'bus', state: 'stopped' });
    })();
    return stopped;
  };
  return { url: bus.url, model: served.model, stop, [Symbol.asyncDispose]: () => stop() };
}

function describe({ fraction }: ServeProgress): string {
  return `loading the model ${Math.floor(fraction * 100)} %`;
}

function describeWorker(model: string, slots: number, threads: number): string {
  return `${model}, ${count(slots, 'slot')}, ${count(threads, 'thread')}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
