import type { ModelFile } from '../protocol/model.ts';
import { bundledModel } from './bundled.ts';
import type { DownloadProgress } from './hub-download.ts';
import { parseModelReference } from './reference.ts';

export interface ResolveOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where hashes of files are remembered: `Paths.cache`. */
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** The pauses before asking the hub again after a failure that may pass, in ms. */
  readonly retryWaitsMs?: readonly number[] | undefined;
}

/**
 * Finds the file of a model on this machine, downloading it from the hub if the reference says so.
 *
 * The bundled model is the default and costs one look at the disk; all else is loaded only on use.
 * @throws AipgError `usage`, `model-not-found`, `model-invalid` or `cancelled`
 */
export async function resolveModel(text: string | undefined, options: ResolveOptions): Promise<ModelFile> {
  const reference = parseModelReference(text);
  switch (reference.form) {
    case 'bundled':
      return bundledModel();
    case 'path':
      return (await import('./resolve-path.ts')).resolvePath(reference, options);
    case 'name':
      return (await import('./resolve-name.ts')).resolveName(reference, options);
    case 'hub':
      return (await import('./resolve-hub.ts')).resolveHub(reference, options);
  }
}
