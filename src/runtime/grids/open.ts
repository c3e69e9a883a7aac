import type { Paths } from '../config/paths.ts';
import type { GridChoice } from '../config/select-grid.ts';
import { AipgError } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model.ts';
import type { Grid } from './grid.ts';

export interface OpenGridOptions {
  readonly choice: GridChoice;
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  /** A model reference, for an answer in this process. Default: the bundled model. */
  readonly model?: string | undefined;
  /** CPU threads, for an answer in this process. */
  readonly threads?: number | undefined;
  /** Jobs side by side, for answers in this process. Default: 1. */
  readonly slots?: number | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: OpenProgress) => void;
}

export interface OpenProgress {
  readonly step: 'load';
  readonly fraction: number;
}

/**
 * Opens the grid that was chosen; the parts that it needs are imported only then.
 * @throws AipgError `grid-unreachable`, `not-permitted`, `model-not-found`, `model-invalid`
 */
export async function openGrid(options: OpenGridOptions): Promise<Grid> {
  const { choice } = options;
  if (choice.where === 'local') return openLocal(options);
  const { openBus } = await import('./open-bus.ts');
  return await openBus(choice);
}

/**
 * The name by which a grid knows the model that a reference means; `undefined` leaves the choice to the grid.
 * @throws AipgError `usage` for a path: a grid serves names, not this machine's files
 */
export async function modelNameOnGrid(reference: string | undefined): Promise<ModelName | undefined> {
  if (reference === undefined) return undefined;
  const { gridModelName, parseModelReference } = await import('../models/reference.ts');
  const parsed = parseModelReference(reference);
  if (parsed.form !== 'path') return gridModelName(parsed);
  throw new AipgError('usage', `A grid serves models by name, not files of this machine (${reference}).`, {
    hint: 'Use it in this process with --grid local, or serve it: aipg worker -m FILE',
  });
}

async function openLocal(options: OpenGridOptions): Promise<Grid> {
  const { paths, env, model, threads, slots = 1, signal, onProgress } = options;
  const [{ resolveModel }, { createLlamaEngine }, { createLocalGrid }] = await Promise.all([
    import('../models/resolve.ts'),
    import('../engines/llama/engine.ts'),
    import('./local.ts'),
  ]);
  const file = await resolveModel(model, {
    env,
    cacheDir: paths.cache,
    configDir: paths.config,
    ...(signal && { signal }),
  });
  const loaded = await createLlamaEngine().load(
    file,
    {
      slots,
      cacheDir: paths.cache,
      ...(threads !== undefined && { threads }),
      ...(onProgress && { onProgress: (fraction) => onProgress({ step: 'load', fraction }) }),
    },
    signal,
  );
  return createLocalGrid(loaded);
}
