import type { Roster } from '../bus/roster.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import type { Policy } from './policy/policy.ts';
import { mayServe } from './policy/served-under.ts';

/**
 * Free slots of those workers that serve a model, by their own word; `undefined` where none does.
 * @param isMeant which workers are asked about
 */
export function freeSlots(
  { roster, policy }: { readonly roster: Roster; readonly policy: Policy },
  model: ModelName,
  isMeant: (worker: WorkerId) => boolean,
): number | undefined {
  const serving = roster.workers().filter(({ worker, state, models }) => {
    const serves = state === 'serving' && models.some(({ name }) => name === model);
    return serves && isMeant(worker) && mayServe(policy, roster, worker, model);
  });
  if (serving.length === 0) return undefined;
  return serving.reduce((sum, { slots }) => sum + Math.max(0, slots.total - slots.busy), 0);
}
