import { type LedgerStore, readLedgerEntry } from '../bus/ledger.ts';
import { dayOf } from '../ledger/day.ts';
import { earningsOf } from '../ledger/earnings.ts';
import type { DraftOf, Entry } from '../ledger/entry.ts';
import { proofOf } from '../ledger/proof.ts';
import {
  emptyRequestSchema,
  ledgerRequestSchema,
  MAX_TOLD,
  proveRequestSchema,
  rootsRequestSchema,
  teamRequestSchema,
  transferRequestSchema,
} from '../ledger/requests.ts';
import { microCredits, NO_CREDITS } from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import type { Credits } from './credits.ts';
import type { Endpoints } from './endpoints.ts';
import { pendingOf } from './pending.ts';

/** The credits of the grid, if it has any by now. */
export type CreditsNow = () => Credits | undefined;

/** Most of an account's newest entries that are searched for a job or a receipt. */
const MAX_SEARCHED = 5_000;
/** Most teams told. */
const MAX_TEAMS = 1_000;

/** What accounts ask of their credits; who asks, the bus has proved by the subject. */
export function serveCredits(
  endpoints: Endpoints,
  store: LedgerStore,
  credits: CreditsNow,
  now: () => number,
): void {
  endpoints.ofAccount('balance', emptyRequestSchema, async (account) => {
    const { state } = demand(credits).ledger;
    const { policy } = state.policy;
    return {
      account,
      ...state.balance(account),
      allowance: state.hadAllowance(account) ? NO_CREDITS : policy.allowance,
      minimumBalance: policy.minimumBalance,
      team: state.teamOf(account) ?? null,
    };
  });
  endpoints.ofAccount('earnings', emptyRequestSchema, async (account) => {
    const { book, ledger } = demand(credits);
    const pending = await pendingOf(store, ledger.state, account);
    return { ...earningsOf(book, ledger.state, account, now()), ...pending };
  });
  endpoints.ofAccount('ledger', ledgerRequestSchema, async (account, { before, limit }) => {
    const { book } = demand(credits);
    const places = book.placesOf(account, before ?? Number.POSITIVE_INFINITY, limit);
    return { entries: await Promise.all(places.map((n) => entryAt(store, demand(credits), n))) };
  });
  endpoints.ofAccount(
    'transfer',
    transferRequestSchema,
    async (account, { id, to, amount, memo, mayBeNew }) => {
      const on = demand(credits);
      const { ledger } = on;
      if (!mayBeNew) await demandKnown(on, to);
      const draft: DraftOf<'transfer'> = { kind: 'transfer', id, from: account, to, amount, memo };
      // The id shows a request that is repeated; the ledger has taken it by then.
      await ledger.append((state) => (state.isUsed(id) ? undefined : [draft]));
      return { account, available: ledger.state.balance(account).available };
    },
  );
  endpoints.ofAccount('prove', proveRequestSchema, async (account, { entry: wanted }) => {
    const { book } = demand(credits);
    const entry = await findEntry(store, demand(credits), account, wanted);
    const found = book.days.prove(entry);
    return { day: dayOf(entry.at), proof: found ? proofOf(entry, found.root, found.path) : null };
  });
  endpoints.ofAccount('roots', rootsRequestSchema, async (_, { limit }) => {
    const { book, ledger } = demand(credits);
    const roots = book.days.roots(limit).map(({ n, day, count, root }) => ({ n, day, count, root }));
    return { head: { n: ledger.state.n, hash: ledger.state.hash }, roots };
  });
  endpoints.ofAccount('policy', emptyRequestSchema, async () => demand(credits).ledger.state.policy);
  endpoints.ofAccount('team', teamRequestSchema, async (account, { team }) => {
    const { ledger } = demand(credits);
    await ledger.append((state) =>
      (state.teamOf(account) ?? null) === team ? undefined : [{ kind: 'team', account, team }],
    );
    return { team };
  });
  endpoints.ofAccount('teams', emptyRequestSchema, async (account) => {
    const { book, ledger } = demand(credits);
    const teams = book.teams().map(({ team, members, totals: { served, asked } }) => ({
      team,
      members,
      earned: served.earned,
      spent: microCredits(asked.spent),
      jobsServed: served.jobs,
      jobsAsked: asked.jobs,
      outputTokens: served.outputTokens,
    }));
    teams.sort((a, b) => b.earned - a.earned || a.team.localeCompare(b.team));
    return { own: ledger.state.teamOf(account) ?? null, teams: teams.slice(0, MAX_TEAMS) };
  });
}

/** @throws AipgError `job-refused` where credits are off */
export function demand(now: CreditsNow): Credits {
  const credits = now();
  if (credits) return credits;
  throw new AipgError('job-refused', 'This grid has no credits: nothing on it is paid for.', {
    hint: 'Its operator turns them on with: aipg up --credits',
  });
}

/**
 * What goes to a slip of the pen is lost: nobody can have the key to it.
 * @throws AipgError `ledger-refused` for an account that no entry has in it
 */
export async function demandKnown({ ledger, book }: Credits, account: Account): Promise<void> {
  if (book.knows(account)) return;
  // Another director may have seen it a moment ago.
  await ledger.catchUp();
  if (book.knows(account)) return;
  throw new AipgError('ledger-refused', `The ledger has not seen an account ${account}: nothing was moved.`, {
    hint: 'Look whether it is written right. If it is, and has only never been on this grid yet, say so with --new.',
  });
}

async function entryAt(store: LedgerStore, { book }: Credits, n: number): Promise<Entry> {
  const sequence = book.sequenceOf(n);
  const entry = sequence === undefined ? undefined : await readLedgerEntry(store, sequence, n);
  if (entry) return entry;
  throw new AipgError('internal', `Entry ${n} of the ledger cannot be read.`);
}

/** One of the account's own: others' are none of its business. */
async function findEntry(
  store: LedgerStore,
  credits: Credits,
  account: Account,
  wanted: string | number,
): Promise<Entry> {
  const { book } = credits;
  if (typeof wanted === 'number') {
    const [n] = book.placesOf(account, wanted + 1, 1);
    if (n === wanted) return entryAt(store, credits, n);
    throw notFound(account, `an entry ${wanted}`);
  }
  const places = book.placesOf(account, Number.POSITIVE_INFINITY, MAX_SEARCHED);
  for (let i = 0; i < places.length; i += MAX_TOLD) {
    const page = places.slice(i, i + MAX_TOLD).map((n) => entryAt(store, credits, n));
    for (const entry of await Promise.all(page)) {
      if (entry.kind === 'settle' && [entry.job, entry.receiptSha256].includes(wanted as never)) return entry;
    }
  }
  throw notFound(account, `a settled job or receipt ${wanted} among its newest ${MAX_SEARCHED} entries`);
}

function notFound(account: Account, what: string): AipgError {
  return new AipgError('job-not-found', `The ledger does not show ${account} ${what}.`, {
    hint: 'See which there are with: aipg ledger log',
  });
}
