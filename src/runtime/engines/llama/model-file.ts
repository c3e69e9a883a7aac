import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { GgufFileInfo } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { ModelFile } from '../../protocol/model.ts';
import type { NodeLlamaCpp } from './backend.ts';
import { tensorBytes } from './tensor-bytes.ts';

export interface CheckedModel {
  readonly info: GgufFileInfo;
  /** Size of the file, or of all parts of a split one. */
  readonly fileBytes: number;
}

/**
 * Reads a model file's header and checks that the file is whole, so that llama.cpp never sees a broken one. The
 * library reads past the end of a truncated header without noticing; what it then claims does not fit the file.
 * @throws AipgError `model-not-found`, `model-invalid`.
 */
export async function checkModelFile(
  model: ModelFile,
  nodeLlamaCpp: NodeLlamaCpp,
  signal?: AbortSignal,
): Promise<CheckedModel> {
  const size = await checkStart(model, model.path);
  const info = await nodeLlamaCpp
    .readGgufFileInfo(model.path, { sourceType: 'filesystem', logWarnings: false, ...(signal && { signal }) })
    .catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw invalid(model.path, 'has a header that cannot be read', cause);
    });
  if ((info.infoEndOffset ?? 0) > size) throw truncated(model.path, size, info.infoEndOffset ?? 0);
  const tensors = info.fullTensorInfo ?? info.tensorInfo ?? [];
  if (tensors.length === 0) throw invalid(model.path, 'holds no weights');
  if (info.metadata?.general?.architecture === undefined)
    throw invalid(model.path, 'does not name its architecture');

  const parts = new Map<number, { readonly path: string; readonly size: number }>([
    [1, { path: model.path, size }],
  ]);
  for (const tensor of tensors) {
    const source = info.sourceData[tensor.filePart - 1];
    const path = source?.type === 'path' ? source.path : model.path;
    const part = parts.get(tensor.filePart) ?? { path, size: await checkStart(model, path) };
    parts.set(tensor.filePart, part);
    const end = Number(tensor.fileOffset) + tensorBytes(tensor);
    if (end > part.size) throw truncated(part.path, part.size, end);
  }
  return { info, fileBytes: [...parts.values()].reduce((sum, part) => sum + part.size, 0) };
}

/** @returns `model-invalid` with what to do about it. */
export function invalid(path: string, what: string, cause?: unknown): AipgError {
  return new AipgError('model-invalid', `${path} ${what}.`, {
    hint: `Delete ${basename(path)} and get the model again, or name another model.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function truncated(path: string, size: number, needed: number): AipgError {
  return invalid(path, `is incomplete: it has ${size} bytes of at least ${needed}`);
}

/** @returns the file's size, once its first bytes are those of a GGUF file of a version that is in use. */
async function checkStart(model: ModelFile, path: string): Promise<number> {
  const file = await open(path).catch((cause: unknown) => {
    throw new AipgError('model-not-found', `The file of the model ${model.name} cannot be opened: ${path}.`, {
      hint: 'Check the path, or get the model again.',
      cause,
    });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw invalid(path, 'is not a file');
    const start = Buffer.alloc(8);
    await file.read(start, 0, start.length, 0);
    if (start.toString('latin1', 0, 4) !== 'GGUF') throw invalid(path, 'is not a GGUF file');
    if (stat.size < 24) throw truncated(path, stat.size, 24);
    const version = start.readUInt32LE(4);
    if (version !== 2 && version !== 3)
      throw invalid(path, `is a GGUF file of version ${version}, not 2 or 3`);
    return stat.size;
  } finally {
    await file.close();
  }
}
