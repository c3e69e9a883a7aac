import type { Account, JobId } from '../protocol/ids.ts';
import type { Tier } from '../protocol/job.ts';
import type { ModelName } from '../protocol/model.ts';
import type { JobStatus, JobView } from '../protocol/replies.ts';
import { parseConsumerName, parseLease } from '../protocol/subjects.ts';
import type { JobRow, JobStep } from './grid-snapshot.ts';
import type { JobNews } from './job-news.ts';

/** Ended jobs that are kept to be looked at: the newest. */
const MAX_ENDED = 500;
/** A job has begun for this long before it is sure to be on the grid's list, in milliseconds. */
const ACCEPTING_MS = 5_000;
/** What is kept of a job's story. */
const MAX_STEPS = 50;

/** A job that was accepted before the watch began: what a director knows of it. */
export interface KnownJob {
  readonly account: Account;
  readonly view: JobView;
}

export interface JobChange {
  readonly before: JobRow | undefined;
  readonly after: JobRow;
  /** Output tokens that are new with it. */
  readonly newTokens: number;
}

/** Jobs by id, the oldest first: all that are unfinished, and the newest that ended. */
export class JobTable {
  readonly rows = new Map<JobId, JobRow>();
  readonly #ended: JobId[] = [];
  /** From where a job's rate is counted. */
  readonly #starts = new Map<JobId, { readonly at: number; readonly tokens: number }>();

  take(account: Account, id: JobId, news: JobNews, at: number): JobChange | undefined {
    const before = this.rows.get(id);
    // Its end is the last that is said of a job; what comes later has been overtaken.
    if (before && isEnded(before.status)) return undefined;
    const known: JobRow = before ?? { id, account, status: 'waiting', attempt: 0, tokens: 0, steps: [] };
    const after = this.#apply(known, news, at);
    this.rows.set(id, after);
    if (isEnded(after.status)) this.#retire(id);
    const first =
      before === undefined && (news.type === 'chunk' || news.type === 'sealed') ? news.tokenOffset : 0;
    return { before, after, newTokens: Math.max(0, after.tokens - known.tokens - first) };
  }

  /** @returns the row, where it was not known already */
  learn({ account, view }: KnownJob): JobRow | undefined {
    if (this.rows.has(view.job) || isEnded(view.status)) return undefined;
    const last = view.attempts.at(-1);
    const row: JobRow = {
      id: view.job,
      account,
      status: view.status,
      attempt: last?.attempt ?? 0,
      tokens: view.attempts.reduce((sum, { newTokens = 0 }) => sum + newTokens, 0),
      ...(view.model !== undefined && { model: view.model }),
      ...(last && last.end === undefined && { worker: last.worker }),
      ...(view.place !== undefined && { place: view.place }),
      ...(view.acceptedAt !== undefined && { acceptedAt: view.acceptedAt }),
      steps: view.acceptedAt === undefined ? [] : [{ at: view.acceptedAt, what: 'accepted' }],
    };
    this.rows.set(row.id, row);
    return row;
  }

  /** Takes out jobs that were unfinished and no longer are: their end was missed. @param asOf in milliseconds */
  forget(unfinished: ReadonlySet<JobId>, asOf: number): JobRow[] {
    const forgotten = [...this.rows.values()].filter(
      ({ id, status, steps }) =>
        !isEnded(status) && !unfinished.has(id) && (steps.at(-1)?.at ?? asOf) < asOf - ACCEPTING_MS,
    );
    for (const { id } of forgotten) {
      this.rows.delete(id);
      this.#starts.delete(id);
    }
    return forgotten;
  }

  #apply(row: JobRow, news: JobNews, at: number): JobRow {
    switch (news.type) {
      case 'accepted':
        return {
          ...row,
          model: news.model,
          acceptedAt: row.acceptedAt ?? at,
          steps: told(row, at, 'accepted'),
        };
      case 'waiting':
        return row.status === 'waiting' ? { ...row, place: news.place } : row;
      case 'leased':
        return this.#lease(row, news, at);
      case 'chunk':
        return this.#write(row, { ...news, count: news.tokens.length }, at);
      case 'sealed':
        return this.#write(row, { ...news, count: news.tokens }, at);
      case 'retrying': {
        const { worker: _, ...rest } = row;
        const what = `attempt ${news.attempt} ${news.end}`;
        return { ...rest, status: 'waiting', steps: told(row, at, what) };
      }
      case 'done':
        return {
          ...row,
          status: 'done',
          endedAt: at,
          model: news.outcome.model,
          tokens: news.outcome.outputTokens,
          ...(news.outcome.worker !== undefined && { worker: news.outcome.worker }),
          steps: told(row, at, `done, ${news.outcome.outputTokens} tokens`),
        };
      case 'failed':
        return {
          ...row,
          status: 'failed',
          endedAt: at,
          code: news.error.code,
          steps: told(row, at, `failed: ${news.error.code}`),
        };
      case 'cancelled':
        return { ...row, status: 'cancelled', endedAt: at, steps: told(row, at, 'cancelled') };
    }
  }

  #lease(row: JobRow, news: Extract<JobNews, { type: 'leased' }>, at: number): JobRow {
    if (news.attempt < row.attempt) return row;
    const { place: _, ...rest } = row;
    const queue = news.lease === undefined ? undefined : queueOf(news.lease);
    return {
      ...rest,
      status: 'running',
      attempt: news.attempt,
      worker: news.worker,
      ...(queue && { tier: queue.tier }),
      ...(row.model === undefined && queue?.model !== undefined && { model: queue.model }),
      steps: told(row, at, `attempt ${news.attempt} on ${news.worker}`),
    };
  }

  #write(
    row: JobRow,
    news: { readonly attempt: number; readonly tokenOffset: number; readonly count: number },
    at: number,
  ): JobRow {
    const tokens = news.tokenOffset + news.count;
    if (news.attempt < row.attempt || tokens <= row.tokens) return row;
    const start = this.#starts.get(row.id) ?? { at, tokens };
    this.#starts.set(row.id, start);
    const isFirst = news.tokenOffset === 0 && row.firstTokenMs === undefined && row.acceptedAt !== undefined;
    const ms = at - start.at;
    return {
      ...row,
      status: 'running',
      attempt: Math.max(row.attempt, news.attempt),
      tokens,
      ...(isFirst && {
        firstTokenMs: Math.max(0, at - (row.acceptedAt ?? at)),
        steps: told(row, at, 'first token'),
      }),
      ...(ms > 0 && { tokensPerSecond: (1_000 * (tokens - start.tokens)) / ms }),
    };
  }

  #retire(id: JobId): void {
    this.#starts.delete(id);
    this.#ended.push(id);
    if (this.#ended.length < 2 * MAX_ENDED) return;
    for (const old of this.#ended.splice(0, MAX_ENDED)) this.rows.delete(old);
  }
}

export function isEnded(status: JobStatus): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}

function told(row: JobRow, at: number, what: string): readonly JobStep[] {
  return [...row.steps.slice(-MAX_STEPS + 1), { at, what }];
}

/** A lease names the consumer by which the job was taken, and so its tier and model. */
function queueOf(lease: string): { tier: Tier; model: ModelName | undefined } | undefined {
  const { tier, model } = parseConsumerName(parseLease(lease)?.consumer ?? '');
  return tier && { tier, model };
}
