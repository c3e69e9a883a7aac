import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AipgError } from '../protocol/errors.ts';
import type { ModelFile, ModelName, Sha256 } from '../protocol/model.ts';
import { BUNDLED_NAME } from './reference.ts';

/** Of models/aipg-tiny-f16.gguf. A constant, so that nothing is hashed at run time; a test holds it to the file. */
export const BUNDLED_SHA256 = '773a52d82264998c2d988a6bf961d47ec586faf108dd3a18eba2a5852a851f6b' as Sha256;

/** @throws AipgError `model-not-found` when the package was installed without its model */
export function bundledModel(): ModelFile {
  const path = join(packageRoot(), 'models', 'aipg-tiny-f16.gguf');
  if (!existsSync(path)) {
    throw new AipgError('model-not-found', `The bundled model is missing: ${path}`, {
      hint: 'Install aipg again, or give another model with --model.',
    });
  }
  return { name: BUNDLED_NAME as ModelName, path, sha256: BUNDLED_SHA256 };
}

/** Walks up, because this code runs from src/ and, bundled, from some depth of dist/. */
function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = readManifest(join(folder, 'package.json'));
    if (manifest?.name === 'aipg') return folder;
    if (folder === dirname(folder)) throw new AipgError('internal', `No package of aipg's around ${start}`);
  }
}

function readManifest(path: string): { name?: unknown } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown };
  } catch {
    return undefined;
  }
}
