import { notForModel } from '../bus/identity.ts';
import { AipgError } from '../protocol/errors.ts';
import { type KeyLimits, mayUse } from '../protocol/key-limits.ts';
import type { ModelName } from '../protocol/model.ts';

/**
 * The model that serves a job: the one asked for by its name or an unambiguous part of it, or the grid's first when
 * none is asked for.
 * @param served the models that live workers serve, preferred ones first
 * @throws AipgError `model-not-found`
 */
export function chooseModel(asked: ModelName | undefined, served: ReadonlyMap<ModelName, number>): ModelName {
  const names = [...served.keys()];
  const [first] = names;
  if (first === undefined) {
    throw new AipgError('model-not-found', 'No worker serves any model on this grid.', {
      hint: 'Start one with `aipg worker`, or answer on this machine with --grid local.',
    });
  }
  if (asked === undefined) return first;
  if (served.has(asked)) return asked;
  const part = asked.toLowerCase();
  const alike = names.filter((name) => name.toLowerCase().includes(part));
  const [only] = alike.filter((name) => name.toLowerCase() === part);
  if (only !== undefined) return only;
  if (alike.length === 1 && alike[0] !== undefined) return alike[0];
  if (alike.length > 1) {
    throw new AipgError('model-not-found', `${asked} could be any of ${alike.join(', ')}.`, {
      hint: 'Write more of the name.',
    });
  }
  throw new AipgError('model-not-found', `No worker on this grid serves ${asked}.`, {
    hint: `These are served: ${names.join(', ')}. Or answer on this machine with --grid local.`,
  });
}

/**
 * As {@link chooseModel}, among the models that a key is for.
 * @throws AipgError `model-not-found`, `not-permitted`
 */
export function chooseAllowed(
  asked: ModelName | undefined,
  served: ReadonlyMap<ModelName, number>,
  limits: KeyLimits | undefined,
): ModelName {
  if (limits?.models === undefined) return chooseModel(asked, served);
  try {
    return chooseModel(asked, new Map([...served].filter(([model]) => mayUse(limits, model))));
  } catch {
    throw notForModel(chooseModel(asked, served), limits.models);
  }
}
