import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AipgError } from '../protocol/errors.ts';
import { isModelPath, partsOf, splitPartOf } from './gguf-files.ts';
import { listCachedModels } from './hub-cache.ts';
import { expandHome } from './hub-settings.ts';
import type { CachedLocated, PathLocated } from './located.ts';
import { pathModelName } from './names.ts';
import type { PathReference } from './reference.ts';
import type { LocateOptions } from './resolve.ts';
import { didYouMean, nearest } from './suggest.ts';

/**
 * A file that is there and starts as a GGUF does, with all its parts; one in the cache is told as such.
 * @throws AipgError `model-not-found`, `model-invalid`, or `usage` for a later part of a split model
 */
export async function locatePath(
  { path: text }: PathReference,
  options: LocateOptions,
): Promise<PathLocated | CachedLocated> {
  const path = resolve(expandHome(text, options.env));
  const stats = await stat(path).catch(() => undefined);
  if (!stats) {
    // A file of the hub whose name tells no quant is cached as org/repo:file.gguf, which looks like a path.
    const cached = (await listCachedModels(options.env)).find(({ name }) => name === text);
    if (cached) return { form: 'cached', ...cached };
    throw new AipgError('model-not-found', `There is no file ${path}`, { hint: await hintFor(path) });
  }
  if (!stats.isFile()) {
    throw new AipgError(
      'model-not-found',
      stats.isDirectory() ? `${path} is a folder, not a model file.` : `${path} is no regular file.`,
      { hint: stats.isDirectory() ? await folderHint(path) : 'Give the path of a GGUF file.' },
    );
  }
  const parts = partsOf(path);
  if ((splitPartOf(path)?.index ?? 1) !== 1) {
    throw new AipgError('usage', `${path} is a later part of a split model.`, {
      hint: `Give the first part: ${parts[0]}`,
    });
  }
  for (const part of parts) await checkGguf(part);
  return {
    form: 'path',
    name: pathModelName(path),
    path,
    parts: parts.map((part) => ({ path: part, sha256: undefined })),
  };
}

/** By the first four bytes, which tell a model from a web page or a git-lfs pointer saved under its name. */
async function checkGguf(path: string): Promise<void> {
  const magic = Buffer.alloc(4);
  try {
    await using handle = await open(path);
    await handle.read(magic, 0, 4, 0);
  } catch (error) {
    throw new AipgError('model-not-found', `${path} can't be read: ${(error as Error).message}`, {
      hint: 'Every part of a split model must lie beside the first, readable for you.',
      cause: error,
    });
  }
  if (magic.toString('latin1') !== 'GGUF') {
    throw new AipgError('model-invalid', `${path} is no GGUF file.`, {
      hint: 'Models of other formats must be converted first; a GGUF of most can be had as hf:org/repo:QUANT.',
    });
  }
}

async function hintFor(path: string): Promise<string> {
  const folder = dirname(path);
  const names = (await readdir(folder).catch(() => [])).filter(isModelPath);
  const near = nearest(basename(path), names).map((name) => join(folder, name));
  return didYouMean(near) ?? 'Give the path of a GGUF file, or hf:org/repo:QUANT for one of the hub.';
}

async function folderHint(folder: string): Promise<string> {
  const [first] = (await readdir(folder).catch(() => [])).filter(isModelPath).sort();
  return first === undefined
    ? 'Give the path of a GGUF file.'
    : `Give a file, such as ${join(folder, first)}`;
}
