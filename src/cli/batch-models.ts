import type { GridChoice } from '../runtime/config/select-grid.ts';
import { modelNameOnGrid } from '../runtime/grids/open.ts';
import { BUNDLED_NAME } from '../runtime/models/reference.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import type { ModelName } from '../runtime/protocol/model.ts';

/**
 * What a grid calls the models that lines ask for.
 * @param loaded the reference of the one model that an answer in this process has
 */
export function batchModels(
  choice: GridChoice,
  loaded: string | undefined,
): (reference: string) => Promise<ModelName | undefined> {
  if (choice.where === 'local') {
    const only = loaded ?? BUNDLED_NAME;
    return async (reference) => {
      if (reference === only) return undefined;
      throw new AipgError(
        'model-not-found',
        `This process answers with ${only} alone, not with ${reference}.`,
        {
          hint: 'Choose one for the whole batch with -m, or use a grid that serves them all.',
        },
      );
    };
  }
  // Most lines name the model that the line before them named.
  let last: { readonly reference: string; readonly name: Promise<ModelName | undefined> } | undefined;
  return (reference) => {
    if (last?.reference !== reference) last = { reference, name: modelNameOnGrid(reference) };
    return last.name;
  };
}
