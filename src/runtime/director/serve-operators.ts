import { issueRequestSchema, policyRequestSchema } from '../ledger/requests.ts';
import type { Log } from '../protocol/log.ts';
import type { Policy } from '../protocol/policy.ts';
import type { Endpoints } from './endpoints.ts';
import { type CreditsNow, demand, demandKnown } from './serve-credits.ts';

/** What operators decide about credits. */
export function serveOperators(endpoints: Endpoints, credits: CreditsNow, log: Log): void {
  endpoints.ofOperator('issue', issueRequestSchema, async ({ id, account, amount, memo, mayBeNew }) => {
    const on = demand(credits);
    const { ledger } = on;
    if (!mayBeNew) await demandKnown(on, account);
    const added = await ledger.append((state) =>
      state.isUsed(id) ? undefined : [{ kind: 'issue', id, account, amount, memo }],
    );
    if (added) log.info({ account, amount }, 'credits issued');
    return { account, available: ledger.state.balance(account).available };
  });
  endpoints.ofOperator('policy', policyRequestSchema, async ({ change }) => {
    const { ledger } = demand(credits);
    await ledger.append((state) => {
      const before = state.policy.policy;
      const policy = { ...before, ...change, tiers: { ...before.tiers, ...change.tiers } } as Policy;
      return JSON.stringify(policy) === JSON.stringify(before) ? undefined : [{ kind: 'policy', policy }];
    });
    log.info({ n: ledger.state.policy.n }, 'policy set');
    return ledger.state.policy;
  });
}
