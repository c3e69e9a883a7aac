import { type Roster, servedModels } from '../../bus/roster.ts';
import type { WorkerId } from '../../protocol/ids.ts';
import type { ModelName } from '../../protocol/model.ts';
import type { Policy } from './policy.ts';

/**
 * The models that workers serve from files that the policy allows, with the slots that serve each.
 * @throws AipgError `policy-refused` when the one that is asked for is served, but from none of these
 */
export function servedUnder(
  policy: Policy,
  roster: Roster,
  asked: ModelName | undefined,
): Map<ModelName, number> {
  if (!policy.hasModelList) return roster.models();
  const workers = roster.workers();
  const allowed = servedModels(
    workers.map((worker) => ({ ...worker, models: worker.models.filter((model) => policy.allows(model)) })),
  );
  if (asked !== undefined && !allowed.has(asked) && servedModels(workers).has(asked)) {
    throw policy.refuseModel(asked);
  }
  return allowed;
}

/** Whether a worker may have jobs for a model: not while it says itself that it serves another file of that name. */
export function mayServe(policy: Policy, roster: Roster, worker: WorkerId, model: ModelName): boolean {
  if (!policy.hasModelList) return true;
  const models = roster.workers().find((one) => one.worker === worker)?.models ?? [];
  return models.every((one) => one.name !== model || policy.allows(one));
}
