import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { listDirectors } from '../bus/directors.ts';
import { needsDirector } from '../bus/identity.ts';
import { Reconnects } from '../bus/reconnects.ts';
import { Roster } from '../bus/roster.ts';
import { decode } from '../protocol/codec.ts';
import { type Account, accountSchema, jobIdSchema, LOCAL_ACCOUNT } from '../protocol/ids.ts';
import { patterns } from '../protocol/subjects.ts';
import { CreditsWatch } from './credits-watch.ts';
import type { GridSnapshot } from './grid-snapshot.ts';
import { type GridEvent, GridState } from './grid-state.ts';
import { jobNewsSchema } from './job-news.ts';
import { readKnownJobs } from './known-jobs.ts';
import { readWaiting } from './queues.ts';

/** Between two looks at the queues, while they change, in milliseconds. */
const LOOK_MS = 1_000;
/** Directors are counted with every so many of these looks. */
const LOOKS_PER_COUNT = 15;
/** Between two sweeps of what the roster remembers, in seconds. */
const SWEEP_SECONDS = 30;

export interface MonitorOptions {
  /** Stays the caller's. */
  readonly connection: NatsConnection;
  /** Whose earnings are told. Default: that of a bus without keys. */
  readonly account?: Account;
  /** Whether somebody looks at the earnings from the start, see {@link Monitor.showEarnings}. */
  readonly earnings?: boolean;
  /** Called for each change of the snapshot, before anything else can happen. */
  readonly onChange?: () => void;
  readonly now?: () => number;
}

/**
 * Keeps one picture of a grid up to date from what the bus pushes: heartbeats and job events. Only the depth of the
 * queues and the count of directors are asked for, at most once a second, and only when a job has come or gone.
 */
export class Monitor implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #state: GridState;
  readonly #onChange: () => void;
  readonly #now: () => number;
  readonly #events: Subscription | undefined;
  readonly #credits: CreditsWatch;
  readonly #seconds: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #roster: Roster | undefined;
  #manager: JetStreamManager | undefined;
  #look: NodeJS.Timeout | undefined;
  #changed = false;
  #looks = 0;
  #sweep = 0;
  #closed = false;

  private constructor(options: MonitorOptions) {
    const { connection, account = LOCAL_ACCOUNT, earnings = false, onChange, now } = options;
    this.#connection = connection;
    this.#now = now ?? Date.now;
    this.#state = new GridState(this.#now(), needsDirector(connection) ? 'account' : 'grid');
    this.#onChange = onChange ?? (() => undefined);
    this.#events = this.#seesGrid
      ? connection.subscribe(patterns.events, {
          callback: (error, { subject, data }) => {
            if (!error) this.#takeNews(subject, data);
          },
        })
      : undefined;
    const apply = (event: GridEvent) => this.#apply(event);
    this.#credits = new CreditsWatch({ connection, account, apply, now: this.#now });
    this.#credits.show(earnings);
    this.#unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') this.#begin().catch(() => undefined);
      else this.#apply({ type: 'disconnected' });
    });
    this.#seconds = setInterval(() => this.#second(), 1_000);
  }

  /**
   * Resolves once the heartbeats and unfinished jobs that the bus holds now are in the picture.
   * @throws AipgError `grid-unreachable`
   */
  static async open(options: MonitorOptions): Promise<Monitor> {
    const monitor = new Monitor(options);
    try {
      if (monitor.#seesGrid) {
        monitor.#roster = await Roster.open(options.connection, {
          onChange: (change) => monitor.#apply(change),
          ...(options.now && { now: options.now }),
        });
      }
      await monitor.#begin();
      return monitor;
    } catch (error) {
      await monitor[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A live view: it changes with the grid. */
  get snapshot(): GridSnapshot {
    return this.#state;
  }

  /** While somebody looks at them, earnings are kept up to date: what changes them the bus pushes, what they come to is asked. */
  showEarnings(isShown: boolean): void {
    this.#credits.show(isShown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#seconds);
    clearTimeout(this.#look);
    this.#events?.unsubscribe();
    this.#unlisten();
    await Promise.all([this.#credits[Symbol.asyncDispose](), this.#roster?.[Symbol.asyncDispose]()]);
  }

  get #seesGrid(): boolean {
    return this.#state.scope === 'grid';
  }

  /** What has happened while nobody listened is asked for. */
  async #begin(): Promise<void> {
    this.#apply({ type: 'connected', busVersion: this.#connection.info?.version ?? 'unknown' });
    // It asks again by itself.
    const credits = this.#credits.begin().catch(() => undefined);
    if (!this.#seesGrid) return await credits;
    const asOf = this.#now();
    try {
      this.#manager ??= await jetstreamManager(this.#connection);
      const [known] = await Promise.all([
        readKnownJobs(this.#connection, this.#manager),
        this.#lookAtQueues(true),
        credits,
      ]);
      this.#apply({ type: 'known', ...known, asOf });
    } catch (error) {
      // Gone again: the next reconnect comes here, too.
      if (Reconnects.of(this.#connection).connected && !this.#closed) throw error;
    }
  }

  #apply(event: GridEvent): void {
    if (this.#closed) return;
    const { revision } = this.#state;
    this.#state.apply(event, this.#now());
    if (this.#state.revision !== revision) this.#onChange();
  }

  #takeNews(subject: string, data: Uint8Array): void {
    const [, , account, id] = subject.split('.');
    const [owner, job] = [accountSchema.safeParse(account), jobIdSchema.safeParse(id)];
    const news = decode(jobNewsSchema, data);
    if (!owner.success || !job.success || !news.ok) return;
    this.#apply({ type: 'job', account: owner.data, job: job.data, news: news.value });
    // A chunk changes no queue.
    if (news.value.type !== 'chunk' && news.value.type !== 'sealed') this.#scheduleLook();
  }

  #second(): void {
    this.#apply({ type: 'second' });
    this.#sweep = (this.#sweep + 1) % SWEEP_SECONDS;
    // It forgets the dead only when it is asked for the living.
    if (this.#sweep === 0) this.#roster?.workers();
  }

  #scheduleLook(): void {
    this.#changed = true;
    this.#look ??= setTimeout(async () => {
      this.#changed = false;
      this.#looks = (this.#looks + 1) % LOOKS_PER_COUNT;
      await this.#lookAtQueues(this.#looks === 0).catch(() => undefined);
      this.#look = undefined;
      // What came while it looked may not have been seen.
      if (this.#changed && !this.#closed) this.#scheduleLook();
    }, LOOK_MS);
  }

  async #lookAtQueues(withDirectors: boolean): Promise<void> {
    const counting = withDirectors ? listDirectors(this.#connection).catch(() => []) : undefined;
    this.#manager ??= await jetstreamManager(this.#connection);
    this.#apply({ type: 'queues', waiting: await readWaiting(this.#manager) });
    if (counting) this.#apply({ type: 'directors', count: (await counting).length });
  }
}
