import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { Llama } from 'node-llama-cpp';
import { z } from 'zod';
import { AipgError } from '../../protocol/errors.ts';
import { rememberPassedTest, skipPassedTest } from './binary-test.ts';
import { chooseGpu } from './gpu.ts';

/** The library's module, loaded when first needed: importing it takes a third of a second. */
export type NodeLlamaCpp = typeof import('node-llama-cpp');

export interface Backend {
  readonly nodeLlamaCpp: NodeLlamaCpp;
  readonly llama: Llama;
  /** Takes the errors that llama.cpp logged since the last call; newest last. */
  takeErrors(): string[];
}

let nodeLlamaCpp: Promise<NodeLlamaCpp> | undefined;
let backend: Promise<Backend> | undefined;

/** The process's one copy of node-llama-cpp. @param cacheDir where it is kept what this machine has passed */
export function loadNodeLlamaCpp(cacheDir: string): Promise<NodeLlamaCpp> {
  nodeLlamaCpp ??= (async () => {
    using _ = await skipPassedTest(await installedVersion(), cacheDir);
    return await import('node-llama-cpp');
  })();
  return nodeLlamaCpp;
}

/** The version of node-llama-cpp, read before the library is loaded. */
async function installedVersion(): Promise<string> {
  const file = new URL('../package.json', import.meta.resolve('node-llama-cpp'));
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(file, 'utf8')));
  return version;
}

/**
 * The process's one llama.cpp, on the GPU where there is one and `AIPG_GPU` is not `off`. Prints nothing.
 * @param cacheDir Where the outcome of a probe for GPUs is kept.
 * @throws AipgError `internal` when no prebuilt llama.cpp runs on this machine.
 */
export function loadBackend(cacheDir: string): Promise<Backend> {
  backend ??= start(cacheDir).catch((cause: unknown) => {
    backend = undefined;
    throw new AipgError(
      'internal',
      `No build of llama.cpp runs on this machine (${process.platform} ${process.arch}).`,
      {
        hint: 'Install aipg again with its optional dependencies, or serve a model by another engine.',
        cause,
      },
    );
  });
  return backend;
}

/** Errors kept for the message of a failed load. */
const KEPT_ERRORS = 8;

async function start(cacheDir: string): Promise<Backend> {
  const loaded = await loadNodeLlamaCpp(cacheDir);
  let errors: string[] = [];
  const open = (gpu: 'auto' | Llama['gpu']) =>
    loaded.getLlama({
      gpu,
      build: 'never',
      progressLogs: false,
      logLevel: loaded.LlamaLogLevel.error,
      logger: (_level, message) => {
        errors = [...errors.slice(1 - KEPT_ERRORS), message.trim()];
      },
      // No limit here: a context then uses exactly the threads that it was given.
      maxThreads: 0,
    });
  const llama =
    process.env['AIPG_GPU'] === 'off' ? await open(false) : await chooseGpu(loaded, open, cacheDir);
  if (llama.gpu === false) await rememberPassedTest(await loaded.getModuleVersion(), cacheDir);
  return {
    nodeLlamaCpp: loaded,
    llama,
    takeErrors() {
      const taken = errors;
      errors = [];
      return taken;
    },
  };
}
