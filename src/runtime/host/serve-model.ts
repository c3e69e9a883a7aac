import { hostname } from 'node:os';
import type { NatsConnection } from '@nats-io/transport-node';
import { requireModel, requireRole } from '../bus/identity.ts';
import type { Paths } from '../config/paths.ts';
import { createLlamaEngine } from '../engines/llama/engine.ts';
import { resolveModel } from '../models/resolve.ts';
import type { Log } from '../protocol/log.ts';
import type { Region } from '../protocol/worker.ts';
import { Arrival } from '../worker/arrival.ts';
import { identityOf } from '../worker/identity.ts';
import { type DrainOptions, Worker } from '../worker/worker.ts';

export interface ServeModelOptions {
  /** Stays the caller's. */
  readonly connection: NatsConnection;
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  /** A model reference. Default: the bundled model. */
  readonly model?: string | undefined;
  readonly slots: number;
  readonly threads?: number | undefined;
  /** Copies of each stream in a cluster, where this is the first to come. */
  readonly replicas?: number | undefined;
  /** Part of the worker's id, which a worker's key fixes. Default: the machine's host name. */
  readonly name?: string | undefined;
  readonly region?: Region | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ServeProgress) => void;
}

export interface ServeProgress {
  readonly step: 'load';
  readonly fraction: number;
}

/** A worker and the model that it serves. */
export interface ServedModel extends AsyncDisposable {
  readonly worker: Worker;
  readonly model: string;
  readonly threads: number;
  /** Lets running jobs end, leaves the grid and unloads the model. */
  drain(options?: DrainOptions): Promise<void>;
}

/**
 * Finds and loads a model, and serves it on a bus.
 * @throws AipgError `model-not-found`, `model-invalid`, `protocol-mismatch`, `not-permitted`
 */
export async function serveModel(options: ServeModelOptions): Promise<ServedModel> {
  const { connection, paths, env, version, log, signal, onProgress } = options;
  requireRole(connection, 'worker', 'operator');
  const file = await resolveModel(options.model, {
    env,
    cacheDir: paths.cache,
    configDir: paths.config,
    ...(signal && { signal }),
  });
  requireModel(connection, file.name);
  const identity = identityOf(connection, options.name ?? hostname());
  const { slots, replicas, region } = options;
  const arrival = await Arrival.announce({ connection, id: identity.id, version, region, slots, replicas });
  arrival.tell(file.name, 0);
  const loading = createLlamaEngine().load(
    file,
    {
      slots,
      cacheDir: paths.cache,
      ...(options.threads !== undefined && { threads: options.threads }),
      onProgress: (fraction) => {
        arrival.tell(file.name, fraction);
        onProgress?.({ step: 'load', fraction });
      },
    },
    signal,
  );
  loading.catch(() => arrival.withdraw());
  const model = await loading;
  try {
    const worker = await Worker.start({ connection, identity, version, region, model, log, replicas });
    const drain = async (drainOptions?: DrainOptions) => {
      await worker.drain(drainOptions);
      await model[Symbol.asyncDispose]();
    };
    return {
      worker,
      model: model.facts.name,
      threads: model.threads,
      drain,
      [Symbol.asyncDispose]: () => drain(),
    };
  } catch (error) {
    await model[Symbol.asyncDispose]();
    throw error;
  }
}
