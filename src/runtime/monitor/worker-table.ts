import { type MicroCredits, microCredits, NO_CREDITS } from '../protocol/credits.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import type { Heartbeat } from '../protocol/worker.ts';
import type { WorkerRow } from './grid-snapshot.ts';
import { Meter } from './meter.ts';

/** A worker that has not been heard of for this long is lost, in milliseconds: three heartbeats. */
export const LOST_MS = 15_000;
/** A worker that is lost or gone is shown for this long, in milliseconds. */
export const SHOWN_MS = 60_000;

/** What a worker adds to the sums of the grid and of a model. */
export interface Share {
  readonly workers: number;
  readonly slots: number;
  readonly busy: number;
}

export interface WorkerChange {
  readonly before: WorkerRow | undefined;
  readonly after: WorkerRow | undefined;
}

/** The workers, by id. Each change tells what was and what is, so that sums are kept by their difference. */
export class WorkerTable {
  readonly rows = new Map<WorkerId, WorkerRow>();
  /** When each was last heard of, the one that is silent for longest first. */
  readonly #seen = new Map<WorkerId, number>();
  /** Until when those that are lost or gone are shown, the first to leave first. */
  readonly #leaving = new Map<WorkerId, number>();
  readonly #meters = new Map<WorkerId, Meter>();
  readonly #onChange: (change: WorkerChange) => void;

  readonly #since: number;

  /** @param since the start of the watch, in milliseconds */
  constructor(since: number, onChange: (change: WorkerChange) => void) {
    this.#since = since;
    this.#onChange = onChange;
  }

  hear(heartbeat: Heartbeat, at: number): void {
    const { worker } = heartbeat;
    const before = this.rows.get(worker);
    this.#seen.delete(worker);
    this.#seen.set(worker, at);
    this.#leaving.delete(worker);
    const after = rowOf(heartbeat, at, before);
    if (before && isSame(before, after)) return;
    this.#replace(before, after);
  }

  /** Took its leave, or has not been heard of. */
  leave(worker: WorkerId, state: 'lost' | 'gone', at: number): void {
    const before = this.rows.get(worker);
    if (!before || isAway(before)) return;
    const seenAt = this.#seen.get(worker) ?? before.seenAt;
    this.#seen.delete(worker);
    this.#leaving.set(worker, at + SHOWN_MS);
    this.#replace(before, { ...before, state, busy: 0, tokensPerSecond: 0, seenAt });
  }

  /** Output tokens that a worker has sent. */
  count(worker: WorkerId, tokens: number, at: number): void {
    if (!this.rows.has(worker)) return;
    const meter = this.#meters.get(worker) ?? new Meter(this.#since);
    this.#meters.set(worker, meter);
    meter.add(tokens, at);
  }

  /** One of its attempts has ended. */
  judge(worker: WorkerId, isDone: boolean): void {
    const before = this.rows.get(worker);
    if (!before) return;
    const { done, broken } = before.reputation ?? { done: 0, broken: 0 };
    const reputation = isDone ? { done: done + 1, broken } : { done, broken: broken + 1 };
    this.#replace(before, { ...before, reputation });
  }

  /** What its owner was paid for a job. */
  earn(worker: WorkerId, amount: MicroCredits): void {
    const before = this.rows.get(worker);
    if (!before || amount === 0) return;
    this.#replace(before, { ...before, earned: microCredits((before.earned ?? NO_CREDITS) + amount) });
  }

  /** Looks for those that have fallen silent, and takes out those that were shown for long enough. */
  tick(at: number): void {
    for (const [worker, seenAt] of this.#seen) {
      if (seenAt > at - LOST_MS) break;
      this.leave(worker, 'lost', at);
    }
    for (const [worker, until] of this.#leaving) {
      if (until > at) break;
      this.#leaving.delete(worker);
      this.#meters.delete(worker);
      const before = this.rows.get(worker);
      this.rows.delete(worker);
      this.#onChange({ before, after: undefined });
    }
    for (const [worker, meter] of this.#meters) {
      const before = this.rows.get(worker);
      const tokensPerSecond = meter.rate(at);
      if (meter.isIdle) this.#meters.delete(worker);
      if (!before || isAway(before) || before.tokensPerSecond === tokensPerSecond) continue;
      this.#replace(before, { ...before, tokensPerSecond });
    }
  }

  /** After a break nobody is known to be silent. */
  forgive(at: number): void {
    for (const worker of this.#seen.keys()) this.#seen.set(worker, at);
  }

  #replace(before: WorkerRow | undefined, after: WorkerRow): void {
    this.rows.set(after.id, after);
    this.#onChange({ before, after });
  }
}

export function isAway({ state }: WorkerRow): boolean {
  return state === 'lost' || state === 'gone';
}

/** What a worker adds to the grid's sums. */
export function shareOf(row: WorkerRow | undefined): Share {
  if (!row || isAway(row)) return { workers: 0, slots: 0, busy: 0 };
  return { workers: 1, slots: row.slots, busy: row.busy };
}

/** The models that it takes jobs of. */
export function servedBy(row: WorkerRow | undefined): readonly ModelName[] {
  return row?.state === 'serving' ? row.models : [];
}

function rowOf(heartbeat: Heartbeat, seenAt: number, before: WorkerRow | undefined): WorkerRow {
  const { worker, version, region, state, reason, loading, models, slots, jobs, startedAt } = heartbeat;
  return {
    id: worker,
    state,
    ...(reason !== undefined && { reason }),
    ...(loading && { loaded: loading.fraction }),
    models: loading ? [loading.model] : models.map(({ name }) => name),
    slots: slots.total,
    busy: slots.busy,
    done: jobs.done,
    failed: jobs.failed,
    version,
    ...(region !== undefined && { region }),
    startedAt,
    seenAt,
    tokensPerSecond: before?.tokensPerSecond ?? 0,
    ...(before?.reputation && { reputation: before.reputation }),
    ...(before?.earned !== undefined && { earned: before.earned }),
  };
}

/** But for when it was heard of. */
function isSame(a: WorkerRow, b: WorkerRow): boolean {
  return (
    a.state === b.state &&
    a.busy === b.busy &&
    a.slots === b.slots &&
    a.done === b.done &&
    a.failed === b.failed &&
    a.reason === b.reason &&
    a.loaded === b.loaded &&
    a.version === b.version &&
    a.region === b.region &&
    a.startedAt === b.startedAt &&
    a.models.length === b.models.length &&
    a.models.every((name, index) => name === b.models[index])
  );
}
