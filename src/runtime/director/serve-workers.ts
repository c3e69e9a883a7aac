import { notForModel } from '../bus/identity.ts';
import { type KeyLimits, mayUse } from '../protocol/key-limits.ts';
import type { ModelName } from '../protocol/model.ts';
import { isInbox } from '../protocol/permissions.ts';
import { progressRequestSchema } from '../protocol/requests.ts';
import type { Heartbeat } from '../protocol/worker.ts';
import {
  beatRequestSchema,
  claimRequestSchema,
  finishRequestSchema,
  leaseRequestSchema,
  nextRequestSchema,
  partRequestSchema,
  provisionRequestSchema,
} from '../protocol/worker-requests.ts';
import type { Endpoints } from './endpoints.ts';
import { viewProgress } from './jobs.ts';
import { partFor } from './part-requests.ts';
import { mayServe } from './policy/served-under.ts';
import type { Admission } from './submit.ts';
import {
  beatFor,
  claimFor,
  finishFor,
  provisionFor,
  requestNextFor,
  sayOfLeaseFor,
} from './worker-requests.ts';

/** What workers ask, and what a director does on the bus for those whose keys give them no right to. */
export function serveWorkers(
  endpoints: Endpoints,
  { store, policy, roster, tickets }: Pick<Admission, 'store' | 'policy' | 'roster' | 'tickets'>,
): void {
  const handedOut = { ...store, tickets };
  endpoints.ofWorker('progress', progressRequestSchema, (_, asked) => viewProgress(handedOut, asked));
  endpoints.ofWorker('provision', provisionRequestSchema, (_, asked, { limits }) => {
    checkModels(limits, [asked.model]);
    return provisionFor(store, asked);
  });
  endpoints.ofWorker('claim', claimRequestSchema, (worker, asked) => claimFor(handedOut, worker, asked));
  endpoints.ofWorker('finish', finishRequestSchema, (worker, asked) => finishFor(handedOut, worker, asked));
  endpoints.ofWorker('part', partRequestSchema, (worker, asked) => partFor(handedOut, worker, asked));
  endpoints.ofWorker('beat', beatRequestSchema, (worker, asked, { limits }) => {
    checkModels(limits, modelsOf(asked.heartbeat));
    return beatFor(store, worker, asked);
  });
  endpoints.noticeOfWorker('lease', leaseRequestSchema, (_, said) => sayOfLeaseFor(store, said));
  endpoints.noticeOfWorker('next', nextRequestSchema, (worker, asked, { limits }, reply) => {
    checkModels(limits, [asked.model]);
    if (isInbox(reply) && mayServe(policy, roster, worker, asked.model)) requestNextFor(store, asked, reply);
  });
}

/** What a heartbeat says that its worker serves, or is about to. */
function modelsOf(heartbeat: Heartbeat | null): ModelName[] {
  if (heartbeat === null) return [];
  const { models, loading } = heartbeat;
  return [...models.map(({ name }) => name), ...(loading ? [loading.model] : [])];
}

/** @throws AipgError `not-permitted` when the worker's key is for other models */
export function checkModels(limits: KeyLimits | undefined, models: readonly ModelName[]): void {
  const other = models.find((model) => !mayUse(limits, model));
  if (other !== undefined) throw notForModel(other, limits?.models ?? []);
}
