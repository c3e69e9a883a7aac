import type { LlamaModel } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { ModelFacts, ModelFile } from '../../protocol/model.ts';
import type { Engine, LoadedModel, LoadOptions } from '../engine.ts';
import { type Backend, loadBackend, loadNodeLlamaCpp } from './backend.ts';
import { chatTemplate } from './chat-template.ts';
import { Grammars } from './grammars.ts';
import { loadedModel } from './loaded-model.ts';
import { type CheckedModel, checkModelFile, invalid } from './model-file.ts';
import { tensorValues } from './tensor-bytes.ts';
import { threadsFor } from './thread-trial.ts';

/** Largest context that a slot gets without being asked for, in tokens: its memory grows with it. */
const DEFAULT_CONTEXT_SIZE = 8_192;

/** GGUF models in this process, by llama.cpp. Nothing native is loaded before the first model is. */
export function createLlamaEngine(): Engine {
  return { name: 'llama', load };
}

async function load(file: ModelFile, options: LoadOptions, signal?: AbortSignal): Promise<LoadedModel> {
  signal?.throwIfAborted();
  // The file is read while the native library starts.
  const starting = loadBackend(options.cacheDir);
  starting.catch(() => undefined);
  const checked = await checkModelFile(file, await loadNodeLlamaCpp(options.cacheDir), signal);
  const backend = await starting;
  signal?.throwIfAborted();

  await using owned = new AsyncDisposableStack();
  const model = owned.use(await loadModel(backend, file, options, signal));
  const threads =
    options.threads ?? (await threadsFor(backend, model, file, options.slots, options.cacheDir, signal));
  const most = Math.min(model.trainContextSize, options.contextSize ?? DEFAULT_CONTEXT_SIZE);
  const context = owned.use(
    await model
      .createContext({
        sequences: options.slots,
        contextSize: options.contextSize === undefined ? { max: most } : most,
        threads,
        ...(signal && { createSignal: signal }),
      })
      .catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw noContext(file, options.slots, most, cause);
      }),
  );
  const template = chatTemplate(model, backend.nodeLlamaCpp);
  signal?.throwIfAborted();
  owned.move();
  return loadedModel({
    model,
    context,
    template,
    grammars: new Grammars(backend.nodeLlamaCpp, model),
    facts: facts(file, checked, model, Math.min(most, context.contextSize)),
    slots: options.slots,
  });
}

async function loadModel(
  { llama, takeErrors }: Backend,
  file: ModelFile,
  { onProgress }: LoadOptions,
  signal: AbortSignal | undefined,
): Promise<LlamaModel> {
  takeErrors();
  try {
    return await llama.loadModel({
      modelPath: file.path,
      ...(onProgress && { onLoadProgress: onProgress }),
      ...(signal && { loadSignal: signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = takeErrors()[0] ?? (cause instanceof Error ? cause.message : String(cause));
    throw invalid(file.path, `cannot be loaded: ${reason}`, cause);
  }
}

function noContext(file: ModelFile, slots: number, contextSize: number, cause: unknown): AipgError {
  const message = `The model ${file.name} has no room for ${slots} slots of ${contextSize} tokens each.`;
  return new AipgError('internal', message, { hint: 'Ask for fewer slots or a smaller context.', cause });
}

function facts(
  file: ModelFile,
  { info, fileBytes }: CheckedModel,
  model: LlamaModel,
  contextSize: number,
): ModelFacts {
  return {
    name: file.name,
    sha256: file.sha256,
    architecture: String(info.metadata.general.architecture),
    parameters: (info.fullTensorInfo ?? info.tensorInfo ?? []).reduce(
      (sum, tensor) => sum + tensorValues(tensor),
      0,
    ),
    trainContextSize: model.trainContextSize,
    contextSize,
    fileBytes,
  };
}
