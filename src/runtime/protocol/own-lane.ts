import { type Account, accountSchema, type WorkerId, workerIdSchema } from './ids.ts';
import type { Kind, Tier } from './job.ts';
import { type Asker, formatAsker, parseAsker } from './key-limits.ts';
import type { ModelName } from './model.ts';
import { consumerName, encodeToken } from './subjects.ts';

// The third lane of a tier: jobs whose account has workers of its own that serve the model wait there for these alone,
// for a while. None of it can be read by anybody but directors and operators: whose a worker is, is nobody's business.

/** What a worker asks of directors, or tells them, about the jobs of its own account. */
export type OwnVerb = 'provision' | 'next' | 'state';

/** Parts a model from an account in a consumer's name; neither has it. */
const SEPARATOR = '~';

export const ownSubjects = {
  /** The bus proves both the account and the worker by it. */
  request: (account: Account, asker: WorkerId | Asker, verb: OwnVerb) =>
    `aipg.own.${account}.${typeof asker === 'string' ? asker : formatAsker(asker)}.${verb}`,
  requests: (verb: OwnVerb) => `aipg.own.*.*.${verb}`,
  job: (kind: Kind, tier: Tier, model: ModelName, account: Account) =>
    `aipg.job.${kind}.${tier}.own.${encodeToken(model)}.${account}`,
} as const;

/** The durable consumer that all workers of an account share for its own jobs of one kind, tier and model. */
export function ownConsumerName(kind: Kind, tier: Tier, model: ModelName, account: Account): string {
  return `${consumerName(kind, tier, 'own', model)}${SEPARATOR}${account}`;
}

/** Whether a job's subject in the queue is one of those that wait for their account's own workers. */
export function isOwnLane(subject: string): boolean {
  return subject.split('.')[4] === 'own';
}

/** Who asks on a subject of {@link ownSubjects.request}; `undefined` when it is not of that form. */
export function ownAsker(
  subject: string,
): { readonly account: Account; readonly worker: WorkerId; readonly asker: Asker } | undefined {
  const [, , owner, who = ''] = subject.split('.');
  const asker = parseAsker(who);
  const account = accountSchema.safeParse(owner);
  const worker = workerIdSchema.safeParse(asker?.id);
  if (asker === undefined || !account.success || !worker.success) return undefined;
  return { account: account.data, worker: worker.data, asker };
}
