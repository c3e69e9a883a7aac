import { AipgError } from '../protocol/errors.ts';
import { isModelPath } from './gguf-files.ts';
import { PREFERRED_QUANT, quantOf } from './names.ts';
import { formatModelReference, type HubReference } from './reference.ts';
import { didYouMean, nearest } from './suggest.ts';

/**
 * The model file of a repository that a reference means; of a split model, the first part.
 * @param paths all files of the repository
 * @throws AipgError `model-not-found` when there is none, `usage` when there are several
 */
export function chooseFile(reference: HubReference, paths: readonly string[]): string {
  const models = paths.filter(isModelPath);
  const repo = `${reference.org}/${reference.repo}`;
  if (models.length === 0) {
    throw new AipgError('model-not-found', `${repo} has no GGUF model.`, {
      hint: `Look for a repository named ${reference.repo}-GGUF: GGUF files are often published apart.`,
    });
  }
  if (reference.file !== undefined) return chooseByName(reference, reference.file, models);
  const quants = [
    ...new Set(models.map((path) => quantOf(path)).filter((quant) => quant !== undefined)),
  ].sort();
  const { quant = quants.includes(PREFERRED_QUANT) ? PREFERRED_QUANT : undefined } = reference;
  const matches = quant === undefined ? models : models.filter((path) => quantOf(path) === quant);
  const [only] = matches;
  if (only === undefined) {
    throw new AipgError('model-not-found', `${repo} has no ${quant}; it has ${list(quants, models)}.`, {
      hint:
        didYouMean(nearest(quant ?? '', quants)) ??
        `Give one of them, as in ${example(reference, quants, models)}`,
    });
  }
  if (matches.length === 1) return only;
  if (quant !== undefined) {
    throw new AipgError('usage', `${repo} has several files of ${quant}: ${list(matches, matches)}.`, {
      hint: `Give the file, as in ${example(reference, [], matches)}`,
    });
  }
  throw new AipgError('usage', `${repo} has several models: ${list(quants, models)}.`, {
    hint: `Give one of them, as in ${example(reference, quants, models)}`,
  });
}

/** By path, else by base name when that is unambiguous. */
function chooseByName(reference: HubReference, file: string, models: readonly string[]): string {
  if (models.includes(file)) return file;
  const [only, ...more] = models.filter((path) => path.endsWith(`/${file}`));
  if (only !== undefined && more.length === 0) return only;
  throw new AipgError(
    'model-not-found',
    `${reference.org}/${reference.repo} has no model file ${file}; it has ${list(models, models)}.`,
    {
      hint: didYouMean(nearest(file, models)) ?? `Give one of them, as in ${example(reference, [], models)}`,
    },
  );
}

function example({ org, repo }: HubReference, quants: readonly string[], models: readonly string[]): string {
  const [quant] = quants;
  if (quant !== undefined) return formatModelReference({ form: 'hub', org, repo, quant });
  return formatModelReference({ form: 'hub', org, repo, file: models[0] ?? 'model.gguf' });
}

function list(names: readonly string[], otherwise: readonly string[], most = 30): string {
  const shown = names.length > 0 ? names : otherwise;
  return shown.length > most ? `${shown.slice(0, most).join(', ')}, …` : shown.join(', ');
}
