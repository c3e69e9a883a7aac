import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../bus/connect.ts';
import { ensureBusServer } from '../bus/server/ensure.ts';
import { startBusServer } from '../bus/server/start.ts';
import { demoPaths, type Paths } from '../config/paths.ts';
import { removeRunningGrid, writeRunningGrid } from '../config/running-grid.ts';
import { Director } from '../director/director.ts';
import { createLlamaEngine } from '../engines/llama/engine.ts';
import { createBusGrid } from '../grids/bus.ts';
import { ModelShelf } from '../host/model-shelf.ts';
import { resolveModel } from '../models/resolve.ts';
import { accountSchema, LOCAL_ACCOUNT, type WorkerId } from '../protocol/ids.ts';
import type { Log } from '../protocol/log.ts';
import { type ModelName, modelNameSchema } from '../protocol/model.ts';
import { identityOf, type WorkerIdentity } from '../worker/identity.ts';
import { Worker } from '../worker/worker.ts';
import { DemoLoad } from './demo-load.ts';
import { throttle } from './throttled-model.ts';

/** Each worker has this share of the speed of the one before. */
const SLOWER = 0.7;
/** What the workers serve, in turns; all of it is the bundled model. */
const MODELS = ['demo/small', 'demo/medium', 'demo/large'].map((name) => modelNameSchema.parse(name));
const NAMES = ['atlas', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heron', 'islet', 'jade'];
const SLOTS = [4, 3, 2, 2, 1] as const;
/** The account that the workers earn for, whose own jobs are free, and that of those who pay. */
const ASKERS = [LOCAL_ACCOUNT, accountSchema.parse('guests')];

export const MAX_DEMO_WORKERS = NAMES.length;

export interface DemoOptions {
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  /** 1 to {@link MAX_DEMO_WORKERS}. */
  readonly workers: number;
  /** Tokens a second of each slot of the fastest worker; every next one has less. */
  readonly speed: number;
  readonly jobsPerSecond: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DemoProgress) => void;
}

export interface DemoProgress {
  readonly part: 'bus' | 'director' | 'worker';
  readonly state: 'starting' | 'ready' | 'stopping' | 'stopped';
  readonly detail?: string;
}

export interface DemoWorker {
  readonly id: WorkerId;
  readonly model: ModelName;
  readonly slots: number;
  /** Of each slot. */
  readonly tokensPerSecond: number;
}

export interface Demo extends AsyncDisposable {
  readonly url: string;
  readonly workers: readonly DemoWorker[];
}

/**
 * A grid on this machine with workers of different speed, and jobs for them, until disposed: a real bus, director and
 * engines. It keeps nothing, and knows nothing of a grid of `aipg up`.
 * @throws AipgError `bus-server-missing`, `bus-server-failed`
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { env, version, log, onProgress } = options;
  const paths = demoPaths(options.paths);
  await using started = new AsyncDisposableStack();
  // Only while starting: what runs is stopped in order.
  const starting = new AbortController();
  const abort = () => starting.abort(options.signal.reason);
  options.signal.addEventListener('abort', abort);
  if (options.signal.aborted) abort();
  const { signal } = starting;

  onProgress({ part: 'bus', state: 'starting' });
  const server = await ensureBusServer({ cacheDir: paths.cache, env, signal });
  const dataDir = join(paths.data, 'bus');
  const bus = await startBusServer({ server, dataDir, logFile: join(paths.state, 'bus.log'), signal });
  started.defer(async () => {
    await bus.stop();
    await rm(paths.data, { recursive: true, force: true });
    onProgress({ part: 'bus', state: 'stopped' });
  });
  onProgress({ part: 'bus', state: 'ready', detail: `nats-server ${bus.version} at ${bus.url}` });
  const connect = async (part: string) => {
    const connection = await connectBus({ url: bus.url, name: `aipg demo (${part})` });
    started.defer(() => connection.close());
    return connection;
  };

  onProgress({ part: 'director', state: 'starting' });
  const { measure, countTokens } = started.use(new ModelShelf({ env, cacheDir: paths.cache, log }));
  const directing = await connect('director');
  started.use(
    await Director.start({ connection: directing, version, log, measure, countTokens, credits: true }),
  );
  onProgress({ part: 'director', state: 'ready' });

  const connection = await connect('workers');
  const file = await resolveModel(undefined, { env, cacheDir: paths.cache });
  const plans = planWorkers(options, connection);
  const serving: Worker[] = [];
  started.defer(async () => {
    onProgress({ part: 'worker', state: 'stopping' });
    await Promise.all(serving.map((worker) => worker.drain({ timeoutMs: 0 })));
    onProgress({ part: 'worker', state: 'stopped' });
  });
  for (const [n, plan] of plans.entries()) {
    signal.throwIfAborted();
    onProgress({ part: 'worker', state: 'starting', detail: `${n + 1} of ${plans.length}` });
    const load = { slots: plan.slots, threads: 1, cacheDir: paths.cache };
    const loaded = await createLlamaEngine().load({ ...file, name: plan.model }, load, signal);
    const model = throttle(loaded, { name: plan.model, tokensPerSecond: plan.tokensPerSecond });
    const worker = await Worker.start({ connection, identity: plan.identity, version, model, log });
    serving.push(worker);
    void worker.toldToDrain.then(() => worker.drain());
    // Its jobs go first: the engine must not be gone under them.
    started.defer(async () => {
      await worker.drain({ timeoutMs: 0 });
      await model[Symbol.asyncDispose]();
    });
  }
  onProgress({ part: 'worker', state: 'ready', detail: `${plans.length} of ${plans.length}` });

  const clients = await connect('clients');
  const grids = ASKERS.map((account) => createBusGrid({ name: 'demo', connection: clients, account }));
  // By what they can do, so that no queue grows for ever.
  const models = new Map<ModelName, number>();
  for (const { model, slots, tokensPerSecond } of plans) {
    models.set(model, (models.get(model) ?? 0) + slots * tokensPerSecond);
  }
  started.use(new DemoLoad({ grids, models, perSecond: options.jobsPerSecond, log }));
  writeRunningGrid(paths, {
    pid: process.pid,
    url: bus.url,
    model: MODELS.join(', '),
    startedAt: Date.now(),
  });
  started.defer(() => removeRunningGrid(paths));

  options.signal.removeEventListener('abort', abort);
  const parts = started.move();
  return { url: bus.url, workers: plans, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

function planWorkers(
  { workers, speed }: Pick<DemoOptions, 'workers' | 'speed'>,
  connection: NatsConnection,
): (DemoWorker & { readonly identity: WorkerIdentity })[] {
  return NAMES.slice(0, workers).map((name, n) => {
    const identity = identityOf(connection, name);
    return {
      identity,
      id: identity.id,
      model: MODELS[n % MODELS.length] as ModelName,
      slots: SLOTS[n % SLOTS.length] ?? 1,
      tokensPerSecond: speed * SLOWER ** n,
    };
  });
}
