import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import type { RecordStore } from '../../src/runtime/bus/record.ts';
import { Director, type DirectorOptions } from '../../src/runtime/director/director.ts';
import type { LoadedModel } from '../../src/runtime/engines/engine.ts';
import { createLlamaEngine } from '../../src/runtime/engines/llama/engine.ts';
import { createBusGrid } from '../../src/runtime/grids/bus.ts';
import type { Grid } from '../../src/runtime/grids/grid.ts';
import { resolveModel } from '../../src/runtime/models/resolve.ts';
import { type Account, LOCAL_ACCOUNT, newJobId } from '../../src/runtime/protocol/ids.ts';
import { type JobSpec, jobSpecSchema } from '../../src/runtime/protocol/job.ts';
import type { Log } from '../../src/runtime/protocol/log.ts';
import { deriveSeed } from '../../src/runtime/protocol/text.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { startTestBus, type TestBus } from './bus-server.ts';
import { writeEndlessModel } from './endless-model.ts';

export const STORY = 'Tell me a story about a fox.';

/** What was logged, for a test to look at. */
export interface Logged {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export function recordingLog(): { log: Log; lines: Logged[] } {
  const lines: Logged[] = [];
  const at = (level: string) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** The real engine with the bundled model. */
export function loadTinyModel(slots: number): Promise<LoadedModel> {
  return loadModel(slots, () => undefined);
}

/** The real engine with a model that talks for a second or two, see {@link endlessJob}. */
export function loadEndlessModel(slots: number): Promise<LoadedModel> {
  return loadModel(slots, (dir) => writeEndlessModel(join(dir, 'endless.gguf')));
}

async function loadModel(slots: number, make: (dir: string) => string | undefined): Promise<LoadedModel> {
  const dir = mkdtempSync(join(tmpdir(), 'aipg-test-model-'));
  try {
    const file = await resolveModel(make(dir), { env: {}, cacheDir: dir });
    return await createLlamaEngine().load(file, { slots, threads: 1, cacheDir: dir });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A bus with a director in this process, on which workers and clients are started at will. */
export class TestGrid implements AsyncDisposable {
  readonly bus: TestBus;
  readonly lines: Logged[];
  readonly director: Director;
  readonly #log: Log;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    bus: TestBus,
    director: Director,
    log: Log,
    lines: Logged[],
    stack: AsyncDisposableStack,
  ) {
    this.bus = bus;
    this.director = director;
    this.lines = lines;
    this.#log = log;
    this.#stack = stack;
  }

  static async start(options: Partial<DirectorOptions> = {}): Promise<TestGrid> {
    const stack = new AsyncDisposableStack();
    const bus = stack.use(await startTestBus());
    const { log, lines } = recordingLog();
    const connection = await connectBus({ url: bus.url, name: 'test director' });
    stack.defer(() => connection.close());
    const director = stack.use(await Director.start({ connection, version: '0.0.0', log, ...options }));
    return new TestGrid(bus, director, log, lines, stack);
  }

  async connect(name = 'test'): Promise<NatsConnection> {
    const connection = await connectBus({ url: this.bus.url, name });
    this.#stack.defer(() => connection.close());
    return connection;
  }

  async store(): Promise<RecordStore> {
    const connection = await this.connect('store');
    return { connection, jetstream: jetstream(connection), manager: await jetstreamManager(connection) };
  }

  async client(account: Account = LOCAL_ACCOUNT): Promise<Grid> {
    return createBusGrid({ name: 'test', connection: await this.connect('client'), account });
  }

  /** @param given a connection of the test's own, to be broken */
  async worker(model: LoadedModel, name = 'test', given?: NatsConnection): Promise<Worker> {
    const connection = given ?? (await this.connect(name));
    const worker = await Worker.start({
      connection,
      identity: identityOf(connection, name),
      version: '0.0.0',
      model,
      log: this.#log,
    });
    this.#stack.defer(() => worker.drain({ timeoutMs: 0 }));
    return worker;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

export function textJob(content: string, input: { seed?: string; sampling?: object } = {}): JobSpec {
  return job({ form: 'chat', messages: [{ role: 'user', content }] }, input);
}

/** Tokens of the endless model: 1,500 take it a second or two. */
export function endlessJob(seed = '7', maxTokens = 1_500): JobSpec {
  return job({ form: 'raw', text: 'Once upon a time' }, { seed, maxTokens });
}

function job(prompt: object, { seed = '7', ...input }: { seed?: string; [field: string]: unknown }): JobSpec {
  return jobSpecSchema.parse({ id: newJobId(), input: { prompt, seed: deriveSeed(seed), ...input } });
}
