import type { Earnings } from '../ledger/requests.ts';
import type { MicroCredits, Rates as TokenRates } from '../protocol/credits.ts';
import type { Account, JobId, WorkerId } from '../protocol/ids.ts';
import type { Tier } from '../protocol/job.ts';
import type { ModelName, Sha256 } from '../protocol/model.ts';
import type { Price } from '../protocol/prices.ts';
import type { JobStatus } from '../protocol/replies.ts';
import type { WorkerState } from '../protocol/worker.ts';

/**
 * A grid as its watcher knows it: a live view, the rows of which are replaced and never changed. Times are milliseconds
 * since 1970, by this machine's clock.
 */
export interface GridSnapshot {
  /** Grows with each change of anything below. */
  readonly revision: number;
  /** When it was last brought up to date. */
  readonly at: number;
  /** `account`: the key may not see the grid, only what its own account has and earns. */
  readonly scope: 'grid' | 'account';
  readonly connection: ConnectionRow;
  readonly workers: ReadonlyMap<WorkerId, WorkerRow>;
  readonly models: ReadonlyMap<ModelName, ModelRow>;
  /** Unfinished jobs, and the newest of those that ended while somebody watched; the oldest first. */
  readonly jobs: ReadonlyMap<JobId, JobRow>;
  readonly totals: Totals;
  readonly rates: Rates;
  /** Whether the grid has a ledger, so that work is paid for. */
  readonly isPaid: boolean;
  /** Of the account that watches. */
  readonly earnings: EarningsView;
  readonly history: History;
  /** The oldest first. */
  readonly log: readonly LogEntry[];
}

export interface ConnectionRow {
  /** `lost`: what is known is as it was then. */
  readonly state: 'connecting' | 'live' | 'lost';
  readonly since: number;
  /** Of the nats-server; absent until it has been reached. */
  readonly busVersion?: string;
  /** Directors that answered last; absent until they were asked. */
  readonly directors?: number;
}

export interface WorkerRow {
  readonly id: WorkerId;
  /** `lost`: not heard of for a while; `gone`: took its leave. Both are shown for a while, and count for nothing. */
  readonly state: WorkerState | 'lost' | 'gone';
  /** Why it is paused. */
  readonly reason?: string;
  /** The share of its model that is loaded, 0 to 1. */
  readonly loaded?: number;
  readonly models: readonly ModelName[];
  readonly slots: number;
  readonly busy: number;
  /** Jobs since it started. */
  readonly done: number;
  readonly failed: number;
  readonly version: string;
  /** How its attempts went; absent before one has ended. */
  readonly reputation?: Reputation;
  /** Where it says it stands. */
  readonly region?: string;
  readonly startedAt: number;
  /** When it was last heard of. */
  readonly seenAt: number;
  readonly tokensPerSecond: number;
  /** What its owner was paid for its jobs since the watch began; absent while that is nothing. */
  readonly earned?: MicroCredits;
}

/** Attempts of a worker that the watch has seen end. */
export interface Reputation {
  /** Those that answered their job. */
  readonly done: number;
  /** Those that failed, or were lost in the middle. */
  readonly broken: number;
}

export interface ModelRow {
  readonly name: ModelName;
  /** Workers that serve it, and their slots. */
  readonly workers: number;
  readonly slots: number;
  readonly busy: number;
  /** Jobs in its queues that no worker has taken. */
  readonly waiting: number;
  readonly tokensPerSecond: number;
  readonly jobsPerSecond: number;
  /** For a job that came now, from how fast its jobs end; absent while none ends. */
  readonly waitMs?: number;
  /** Of a job that came now; absent where nothing is paid. */
  readonly price?: ModelPrice;
}

/** In micro-credits per million tokens. */
export interface ModelPrice extends TokenRates {
  readonly basis: Price['basis'];
}

export interface JobRow {
  readonly id: JobId;
  readonly account: Account;
  readonly status: JobStatus;
  readonly model?: ModelName;
  /** Known once a worker has taken it. */
  readonly tier?: Tier;
  readonly worker?: WorkerId;
  /** 0 before the first. */
  readonly attempt: number;
  /** Jobs that are served first, this one included. */
  readonly place?: number;
  /** Output tokens so far. */
  readonly tokens: number;
  readonly tokensPerSecond?: number;
  /** Absent where nobody saw it. */
  readonly acceptedAt?: number;
  /** From acceptance to the first token. */
  readonly firstTokenMs?: number;
  readonly endedAt?: number;
  /** Why it failed: an error's code. */
  readonly code?: string;
  /** What happened to it, the newest last. */
  readonly steps: readonly JobStep[];
}

export interface JobStep {
  readonly at: number;
  readonly what: string;
}

export interface Totals {
  /** Workers that are alive. */
  readonly workers: number;
  readonly slots: number;
  readonly busy: number;
  readonly waiting: number;
  readonly running: number;
  /** Since the watch began. */
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
}

export interface Rates {
  /** Over the last 10 seconds. */
  readonly jobsPerSecond: number;
  readonly tokensPerSecond: number;
  /** From acceptance to first token, over the last minute; absent while there was none. */
  readonly firstTokenP50Ms?: number;
  readonly firstTokenP95Ms?: number;
}

export type EarningsView =
  /** No director has answered yet, or nobody has asked. */
  | { readonly state: 'unknown' }
  /** The grid has no ledger: nothing on it is paid for. */
  | { readonly state: 'free' }
  /** The key that the grid knows the watcher by may not ask. */
  | { readonly state: 'refused'; readonly reason: string }
  | KnownEarnings;

/** What an account has, and has earned by its workers. */
export interface KnownEarnings extends Earnings {
  readonly state: 'known';
  /** When a director told it last. */
  readonly asOf: number;
  readonly available: MicroCredits;
  /** Held for its own jobs that are not settled. */
  readonly reserved: MicroCredits;
  /** The newest first. */
  readonly receipts: readonly ReceiptRow[];
}

/** A job of the account's workers that was settled. */
export interface ReceiptRow {
  /** The number of the ledger's entry. */
  readonly n: number;
  readonly at: number;
  readonly job: JobId;
  readonly worker: WorkerId;
  /** Of the model's file. */
  readonly model: Sha256;
  readonly outputTokens: number;
  readonly earned: MicroCredits;
  /** The account had asked for it itself, which is free. */
  readonly isOwn: boolean;
}

/** A number a second, the newest last. */
export interface History {
  readonly jobsPerSecond: readonly number[];
  readonly tokensPerSecond: readonly number[];
  readonly waiting: readonly number[];
  readonly busy: readonly number[];
  readonly workers: readonly number[];
  readonly firstTokenP50Ms: readonly number[];
  readonly firstTokenP95Ms: readonly number[];
}

export interface LogEntry {
  /** Counts the entries of a watch. */
  readonly number: number;
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly about: 'job' | 'worker' | 'grid';
  /** A job's or a worker's; the same word as `about` for the grid. */
  readonly id: string;
  readonly what: string;
}
