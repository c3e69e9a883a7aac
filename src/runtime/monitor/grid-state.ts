import type { MicroCredits } from '../protocol/credits.ts';
import type { Account, JobId, WorkerId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import type { PricesReply } from '../protocol/prices.ts';
import type { Heartbeat } from '../protocol/worker.ts';
import { EarningsRecord } from './earnings-record.ts';
import { EventLog } from './event-log.ts';
import type {
  ConnectionRow,
  EarningsView,
  GridSnapshot,
  JobRow,
  LogEntry,
  Rates,
  ReceiptRow,
  Totals,
  WorkerRow,
} from './grid-snapshot.ts';
import { addSample, emptyHistory } from './history.ts';
import type { JobNews } from './job-news.ts';
import { isEnded, JobTable, type KnownJob } from './job-table.ts';
import { Latencies } from './latencies.ts';
import { Meter } from './meter.ts';
import { ModelTable } from './model-table.ts';
import { verdictOf } from './reputation.ts';
import { shareOf, type WorkerChange, WorkerTable } from './worker-table.ts';

/** What a watcher of a grid hears. */
export type GridEvent =
  | { readonly type: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly type: 'left'; readonly worker: WorkerId }
  | { readonly type: 'job'; readonly account: Account; readonly job: JobId; readonly news: JobNews }
  /** What is unfinished, as far as it could be asked for. Every other job that is older than that has ended. */
  | {
      readonly type: 'known';
      readonly jobs: readonly KnownJob[];
      readonly unfinished: ReadonlySet<JobId>;
      readonly asOf: number;
    }
  | { readonly type: 'queues'; readonly waiting: ReadonlyMap<ModelName, number> }
  | { readonly type: 'directors'; readonly count: number }
  | { readonly type: 'prices'; readonly prices: PricesReply }
  | { readonly type: 'earnings'; readonly earnings: EarningsView }
  /** Jobs were settled: of all workers, and of the account that watches. */
  | {
      readonly type: 'settled';
      readonly paid: readonly { readonly worker: WorkerId; readonly amount: MicroCredits }[];
      readonly receipts: readonly ReceiptRow[];
    }
  | { readonly type: 'connected'; readonly busVersion: string }
  | { readonly type: 'disconnected' }
  /** A second has passed. */
  | { readonly type: 'second' };

/** A grid as its events tell it. No clock and no I/O: equal events at equal times give equal states. */
export class GridState implements GridSnapshot {
  readonly history = emptyHistory();
  readonly scope: GridSnapshot['scope'];
  revision = 0;
  at = 0;
  connection: ConnectionRow;
  totals: Totals = {
    workers: 0,
    slots: 0,
    busy: 0,
    waiting: 0,
    running: 0,
    done: 0,
    failed: 0,
    cancelled: 0,
  };
  rates: Rates = { jobsPerSecond: 0, tokensPerSecond: 0 };
  isPaid = false;
  readonly #log = new EventLog();
  readonly #models: ModelTable;
  readonly #workers: WorkerTable;
  readonly #jobs = new JobTable();
  readonly #earnings = new EarningsRecord();
  readonly #firstTokens = new Latencies();
  readonly #ended: Meter;
  readonly #tokens: Meter;
  #second = { jobs: 0, tokens: 0 };

  /** @param at the start of the watch, in milliseconds since 1970 */
  constructor(at: number, scope: GridSnapshot['scope'] = 'grid') {
    this.at = at;
    this.scope = scope;
    this.#models = new ModelTable(at);
    this.#workers = new WorkerTable(at, (change) => this.#follow(change));
    this.#ended = new Meter(at);
    this.#tokens = new Meter(at);
    this.connection = { state: 'connecting', since: at };
  }

  get workers(): GridSnapshot['workers'] {
    return this.#workers.rows;
  }

  get models(): GridSnapshot['models'] {
    return this.#models.rows;
  }

  get jobs(): GridSnapshot['jobs'] {
    return this.#jobs.rows;
  }

  get earnings(): EarningsView {
    return this.#earnings.view;
  }

  get log(): readonly LogEntry[] {
    return this.#log.entries;
  }

  /** @param at when it came, in milliseconds since 1970 */
  apply(event: GridEvent, at: number): void {
    this.at = at;
    switch (event.type) {
      case 'heartbeat':
        this.#workers.hear(event.heartbeat, at);
        break;
      case 'left':
        this.#workers.leave(event.worker, 'gone', at);
        break;
      case 'job':
        this.#takeNews(event.account, event.job, event.news, at);
        break;
      case 'known':
        this.#learn(event.jobs, event.unfinished, event.asOf);
        break;
      case 'queues':
        this.#setWaiting(event.waiting);
        break;
      case 'directors':
        if (this.connection.directors !== event.count) {
          this.#connect({ ...this.connection, directors: event.count });
        }
        break;
      case 'prices':
        this.#models.setPrices(event.prices);
        this.isPaid = event.prices.otherwise !== null;
        this.revision += 1;
        break;
      case 'earnings':
        if (this.#earnings.set(event.earnings)) this.revision += 1;
        break;
      case 'settled':
        for (const { worker, amount } of event.paid) this.#workers.earn(worker, amount);
        if (this.#earnings.add(event.receipts)) this.revision += 1;
        break;
      case 'connected': {
        if (this.connection.state === 'lost') this.#tell('info', 'grid', 'grid', 'connected again', at);
        this.#workers.forgive(at);
        const { busVersion } = event;
        this.#connect({ ...this.connection, state: 'live', since: at, busVersion });
        break;
      }
      case 'disconnected':
        if (this.connection.state === 'lost') break;
        this.#tell('error', 'grid', 'grid', 'connection lost', at);
        this.#connect({ ...this.connection, state: 'lost', since: at });
        break;
      case 'second':
        this.#tick(at);
        break;
    }
  }

  #connect(connection: ConnectionRow): void {
    this.connection = connection;
    this.revision += 1;
  }

  #follow(change: WorkerChange): void {
    const { before, after } = change;
    this.revision += 1;
    this.#models.follow(change);
    const [was, is] = [shareOf(before), shareOf(after)];
    this.totals = {
      ...this.totals,
      workers: this.totals.workers + is.workers - was.workers,
      slots: this.totals.slots + is.slots - was.slots,
      busy: this.totals.busy + is.busy - was.busy,
    };
    if (after && before?.state !== after.state) this.#tellOfWorker(before, after);
  }

  #tellOfWorker(before: WorkerRow | undefined, after: WorkerRow): void {
    const level = after.state === 'lost' ? 'error' : after.state === 'paused' ? 'warn' : 'info';
    const what = after.reason === undefined ? after.state : `${after.state}: ${after.reason}`;
    this.#tell(level, 'worker', after.id, before === undefined ? `joined, ${what}` : what, this.at);
  }

  #takeNews(account: Account, job: JobId, news: JobNews, at: number): void {
    const change = this.#jobs.take(account, job, news, at);
    if (!change) return;
    const { before, after, newTokens } = change;
    this.revision += 1;
    if (newTokens > 0) this.#countTokens(after, newTokens, at);
    if (before?.firstTokenMs === undefined && after.firstTokenMs !== undefined) {
      this.#firstTokens.add(after.firstTokenMs, at);
    }
    if (before?.status !== after.status) this.#countJob(before, after, at);
    const verdict = verdictOf(before, after, news);
    if (verdict) this.#workers.judge(verdict.worker, verdict.isDone);
    const step = after.steps.at(-1);
    if (step && step !== before?.steps.at(-1) && step.what !== 'first token') {
      const level = after.status === 'failed' ? 'error' : news.type === 'retrying' ? 'warn' : 'info';
      this.#tell(level, 'job', job, step.what, at);
    }
  }

  #countTokens({ worker, model }: JobRow, count: number, at: number): void {
    this.#second.tokens += count;
    this.#tokens.add(count, at);
    if (worker !== undefined) this.#workers.count(worker, count, at);
    if (model !== undefined) this.#models.count(model, 'tokens', count, at);
  }

  #countJob(before: JobRow | undefined, after: JobRow, at: number): void {
    const totals = { ...this.totals };
    if (before?.status === 'running') totals.running -= 1;
    if (after.status !== 'waiting') totals[after.status] += 1;
    this.totals = totals;
    if (!isEnded(after.status)) return;
    this.#second.jobs += 1;
    this.#ended.add(1, at);
    if (after.model !== undefined) this.#models.count(after.model, 'jobs', 1, at);
  }

  #learn(jobs: readonly KnownJob[], unfinished: ReadonlySet<JobId>, asOf: number): void {
    this.revision += 1;
    let running = 0;
    for (const job of jobs) if (this.#jobs.learn(job)?.status === 'running') running += 1;
    const forgotten = this.#jobs.forget(unfinished, asOf);
    running -= forgotten.filter(({ status }) => status === 'running').length;
    this.totals = { ...this.totals, running: this.totals.running + running };
  }

  #setWaiting(waiting: ReadonlyMap<ModelName, number>): void {
    this.revision += 1;
    this.#models.setWaiting(waiting);
    const sum = [...waiting.values()].reduce((total, count) => total + count, 0);
    this.totals = { ...this.totals, waiting: sum };
  }

  /** While the connection is lost the picture stays as it was. */
  #tick(at: number): void {
    this.revision += 1;
    if (this.connection.state !== 'live') return;
    this.#workers.tick(at);
    this.#models.tick(at);
    const [firstTokenP50Ms, firstTokenP95Ms] = this.#firstTokens.quantiles([0.5, 0.95], at);
    this.rates = {
      jobsPerSecond: this.#ended.rate(at),
      tokensPerSecond: this.#tokens.rate(at),
      ...(firstTokenP50Ms !== undefined && { firstTokenP50Ms }),
      ...(firstTokenP95Ms !== undefined && { firstTokenP95Ms }),
    };
    const { waiting, busy, workers } = this.totals;
    addSample(this.history, {
      jobsPerSecond: this.#second.jobs,
      tokensPerSecond: this.#second.tokens,
      waiting,
      busy,
      workers,
      firstTokenP50Ms: firstTokenP50Ms ?? 0,
      firstTokenP95Ms: firstTokenP95Ms ?? 0,
    });
    this.#second = { jobs: 0, tokens: 0 };
  }

  #tell(level: LogEntry['level'], about: LogEntry['about'], id: string, what: string, at: number): void {
    this.#log.add({ level, about, id, what, at });
  }
}

/** The picture as it is now, which what comes later does not change. */
export function freeze(snapshot: GridSnapshot): GridSnapshot {
  const { revision, at, scope, connection, totals, rates, isPaid, earnings, log } = snapshot;
  return {
    ...{ revision, at, scope, connection, totals, rates, isPaid, earnings, log },
    workers: new Map(snapshot.workers),
    models: new Map(snapshot.models),
    jobs: new Map(snapshot.jobs),
    history: structuredClone(snapshot.history),
  };
}
