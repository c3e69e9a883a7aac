import type { ModelFile } from '../protocol/model.ts';
import { bundledModel } from './bundled.ts';
import { markUsed } from './last-used.ts';
import { parseModelReference } from './reference.ts';

export interface LocateOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where the user's aliases are: `Paths.config`. Without it there are none. */
  readonly configDir?: string | undefined;
}

export interface ResolveOptions extends LocateOptions {
  /** Where hashes of files and times of use are remembered: `Paths.cache`. */
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the file of a model on this machine, to be used: its time is remembered. Nothing is downloaded.
 *
 * The bundled model is the default and costs a look or two at the disk; all else is loaded only on use.
 * @throws AipgError `usage`, `model-not-found`, `model-invalid` or `cancelled`
 */
export async function resolveModel(text: string | undefined, options: ResolveOptions): Promise<ModelFile> {
  const model = await resolve(text, options);
  markUsed(options.cacheDir, model.path);
  return model;
}

async function resolve(text: string | undefined, options: ResolveOptions): Promise<ModelFile> {
  if (parseModelReference(text).form === 'bundled') return bundledModel();
  const [{ locateModel }, { locatedFile }] = await Promise.all([
    import('./locate.ts'),
    import('./located-file.ts'),
  ]);
  return locatedFile(await locateModel(text, options), options);
}
