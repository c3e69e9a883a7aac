import type { Account, WorkerId } from './ids.ts';
import { type Asker, formatAsker, type KeyLimits } from './key-limits.ts';

/** What a key may do on a grid. */
export const ROLES = ['user', 'worker', 'monitor', 'director', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** Whose key it is. */
export interface Member {
  readonly role: Role;
  readonly account: Account;
  /** The public key: `U…`. */
  readonly key: string;
  /** Of a worker: the only id by which it may go. */
  readonly worker?: WorkerId | undefined;
  /** What it may do less than its role. */
  readonly limits?: KeyLimits | undefined;
}

/**
 * One right; `{account}`, `{worker}` and `{key}` stand for the member's own, `{asker}` for its account or worker and,
 * where its key has limits, these.
 */
export interface Right {
  /** `never publish` goes before what another right allows. */
  readonly may: 'publish' | 'subscribe' | 'never publish';
  readonly subject: string;
  /** What for, as docs/security.md tells it. */
  readonly why: string;
}

const OWN_ANSWERS: Right = {
  may: 'subscribe',
  subject: '_INBOX.{key}.>',
  why: 'answers to its own requests',
};
const PRESENCE: Right = { may: 'publish', subject: 'aipg.here.*', why: 'that it is there, when asked' };

/**
 * All that a role may do; what is not here is refused by the bus.
 *
 * No member that is not trusted with the whole grid may use JetStream itself: the bus sends what JetStream answers to
 * whatever reply subject a request names, with its own rights, so that one allowed pull or acknowledgement whose reply
 * is `$JS.API.STREAM.DELETE.…` deletes a stream. A director does it for them, and looks at the reply first.
 */
export const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  user: [
    { may: 'publish', subject: 'aipg.req.{asker}.*', why: 'requests to directors for its account' },
    { may: 'subscribe', subject: 'aipg.evt.{account}.*', why: "events of its account's jobs" },
    { may: 'subscribe', subject: 'aipg.cli.{account}.*', why: 'directors that ask whether it is there' },
    PRESENCE,
    OWN_ANSWERS,
  ],
  worker: [
    { may: 'publish', subject: 'aipg.wrk.{asker}.*', why: 'requests to directors: jobs, leases, records' },
    {
      may: 'publish',
      subject: 'aipg.own.{account}.{asker}.*',
      why: "requests to directors: jobs of its own account, before others'",
    },
    { may: 'publish', subject: 'aipg.evt.*.*', why: 'events of jobs whose unguessable id it was given' },
    { may: 'publish', subject: 'aipg.req.{account}.balance', why: 'what its owner has' },
    { may: 'publish', subject: 'aipg.req.{account}.earnings', why: 'what its owner has earned' },
    { may: 'publish', subject: 'aipg.req.{account}.ledger', why: "entries of its owner's" },
    { may: 'publish', subject: 'aipg.req.{account}.prove', why: "proofs of its owner's entries" },
    { may: 'publish', subject: 'aipg.req.{account}.roots', why: 'the daily roots of the ledger' },
    { may: 'subscribe', subject: 'aipg.ctl.worker.{worker}', why: 'control messages of its own' },
    PRESENCE,
    OWN_ANSWERS,
  ],
  monitor: [
    {
      may: 'publish',
      subject: 'aipg.req.{account}.status',
      why: 'workers, models and counts, from a director',
    },
    OWN_ANSWERS,
  ],
  director: [
    { may: 'publish', subject: 'aipg.>', why: 'jobs, events, results, control' },
    { may: 'never publish', subject: 'aipg.adm.>', why: 'what operators ask' },
    { may: 'publish', subject: '$JS.>', why: 'streams, consumers, acknowledgements' },
    { may: 'never publish', subject: '$JS.API.STREAM.DELETE.AIPG_LEDGER', why: 'the ledger is kept' },
    { may: 'never publish', subject: '$JS.API.STREAM.PURGE.AIPG_LEDGER', why: 'the ledger is kept' },
    { may: 'never publish', subject: '$JS.API.STREAM.MSG.DELETE.AIPG_LEDGER', why: 'the ledger is kept' },
    { may: 'publish', subject: '$KV.AIPG_WORKERS.*', why: 'heartbeats that workers have sent' },
    { may: 'publish', subject: '$SRV.>', why: 'other directors' },
    { may: 'publish', subject: '_INBOX.>', why: 'answers to requests' },
    { may: 'subscribe', subject: 'aipg.req.*.*', why: 'requests of accounts' },
    { may: 'subscribe', subject: 'aipg.wrk.*.*', why: 'requests of workers' },
    {
      may: 'subscribe',
      subject: 'aipg.own.*.*.*',
      why: 'requests of workers of an account for its own jobs',
    },
    { may: 'subscribe', subject: 'aipg.adm.*', why: 'requests of operators' },
    { may: 'subscribe', subject: 'aipg.here.*', why: 'who is there' },
    { may: 'subscribe', subject: '$SRV.>', why: 'other directors' },
    {
      may: 'subscribe',
      subject: '$JS.EVENT.ADVISORY.STREAM.CREATED.AIPG_LEDGER',
      why: 'that the grid has a ledger',
    },
    OWN_ANSWERS,
  ],
  operator: [
    { may: 'publish', subject: '>', why: 'everything on the grid' },
    { may: 'subscribe', subject: '>', why: 'everything on the grid' },
  ],
};

/** As whom a member asks directors. */
export function askerOf({ role, account, worker, key, limits }: Member): Asker {
  return { id: role === 'worker' ? (worker ?? '') : account, key, limits };
}

/** What the bus enforces for a member. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Refused although `publish` allows it. */
  readonly neverPublish: readonly string[];
}

/** @throws Error for a worker without an id */
export function permissionsOf(member: Member): Permissions {
  const allowed = (may: Right['may']) =>
    RIGHTS[member.role].filter((right) => right.may === may).map(({ subject }) => fill(subject, member));
  return {
    publish: allowed('publish'),
    subscribe: allowed('subscribe'),
    neverPublish: allowed('never publish'),
  };
}

/** Where answers to a member's requests come: nobody else may listen there. */
export function inboxPrefix(key: string): string {
  return `${INBOX}${key}`;
}

/** Whether a reply goes to somebody who waits for it, and not to where its sender may not publish itself. */
export function isInbox(reply: string | undefined): reply is string {
  return reply?.startsWith(INBOX) ?? false;
}

const INBOX = '_INBOX.';

function fill(subject: string, member: Member): string {
  const { account, worker, key } = member;
  const asker = formatAsker(askerOf(member));
  return subject.replace(
    /\{(account|worker|key|asker)\}/g,
    (_, what: 'account' | 'worker' | 'key' | 'asker') => {
      const value = { account, worker, key, asker }[what];
      if (value === undefined) throw new Error(`A right of this role needs a ${what}.`);
      return value;
    },
  );
}
