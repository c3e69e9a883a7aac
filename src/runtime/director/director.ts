import { jetstream } from '@nats-io/jetstream';
import { type Service, Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
// Now and not on use, when a newer release may have taken the file's place.
import '../bus/artifact-store.ts';
import { listDirectors } from '../bus/directors.ts';
import { memberOf, requireRole } from '../bus/identity.ts';
import { type ProvisionOptions, provision } from '../bus/provision.ts';
import type { RecordStore } from '../bus/record.ts';
import { Roster } from '../bus/roster.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import { statusRequestSchema } from '../protocol/requests.ts';
import type { StatusReply } from '../protocol/status.ts';
import { STREAMS } from '../protocol/subjects.ts';
import { CreditsSwitch } from './credits-switch.ts';
import { Endpoints } from './endpoints.ts';
import { OwnLane } from './own-lane.ts';
import { servePieces } from './piece-requests.ts';
import { Policy } from './policy/policy.ts';
import type { PriceSource } from './price-source.ts';
import { type MeasureModel, RateCardKeeper } from './rate-card.ts';
import { Rates } from './rates.ts';
import { Reaper, type ReaperTimes } from './reaper.ts';
import { RecentTickets } from './recent-tickets.ts';
import { serveAccounts } from './serve-accounts.ts';
import { serveCredits } from './serve-credits.ts';
import { serveOperators } from './serve-operators.ts';
import { serveOwn } from './serve-own.ts';
import { servePrices } from './serve-prices.ts';
import { serveWorkers } from './serve-workers.ts';
import type { SweepTimes } from './sweep.ts';
import type { TokenCounter } from './token-counter.ts';
import { type QueueBounds, Unfinished } from './unfinished.ts';
import { WaitingJobs } from './waiting.ts';

export interface DirectorOptions {
  readonly connection: NatsConnection;
  readonly version: string;
  readonly log: Log;
  readonly replicas?: ProvisionOptions['replicas'];
  readonly bounds?: QueueBounds | undefined;
  /** What the grid takes. Default: everything. */
  readonly policy?: Policy | undefined;
  readonly reaperTimes?: ReaperTimes | undefined;
  /** Whether jobs are paid for: true makes the grid's ledger where it has none. Default: where the grid has one, from then on. */
  readonly credits?: boolean | undefined;
  readonly prices?: PriceSource | undefined;
  readonly countTokens?: TokenCounter | undefined;
  /** What the models of this machine cost. Default: it has none. */
  readonly measure?: MeasureModel | undefined;
  readonly sweepTimes?: SweepTimes | undefined;
  /** How long the worker of a job that was cut short has to say what it has streamed, in milliseconds. */
  readonly partGraceMs?: number | undefined;
  /** After how long as the only one to append to the ledger it queues jobs before that has answered, in milliseconds. */
  readonly aloneMs?: number | undefined;
  readonly now?: () => number;
}

/**
 * Admits jobs and looks after them. Whatever it keeps in memory can be lost: as many directors as one likes run side by
 * side on one bus, and a new one goes on where another ended.
 */
export class Director implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #store: RecordStore;
  readonly #policy: Policy;
  readonly #roster: Roster;
  readonly #unfinished: Unfinished;
  readonly #waiting: WaitingJobs;
  /** Only where members have keys: without, everybody is one account. */
  readonly #own: OwnLane | undefined;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #counts = { accepted: 0, cancelled: 0 };
  #service: Service | undefined;
  #ownRequests: Disposable | undefined;
  #endpoints: Endpoints | undefined;
  #reaper: Reaper | undefined;
  #credits: CreditsSwitch | undefined;
  #rateCard: RateCardKeeper | undefined;

  private constructor(options: DirectorOptions, store: RecordStore, roster: Roster) {
    this.#connection = options.connection;
    this.#store = store;
    this.#roster = roster;
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
    this.#policy = options.policy ?? new Policy();
    this.#unfinished = new Unfinished(store.manager, options.bounds);
    if (memberOf(options.connection)) {
      this.#own = new OwnLane({ store, roster, policy: this.#policy, log: options.log, now: this.#now });
    }
    this.#waiting = new WaitingJobs(options.connection, store.manager, roster, this.#now, this.#own);
  }

  /**
   * Resolves when it answers requests. The connection stays the caller's.
   * @throws AipgError `not-permitted`, `protocol-mismatch`; `usage` when a grid that has a ledger is to be without
   */
  static async start(options: DirectorOptions): Promise<Director> {
    const { connection, log, replicas, credits: wanted } = options;
    requireRole(connection, 'director', 'operator');
    const manager = await provision(connection, { replicas });
    let rateCard: RateCardKeeper | undefined;
    const roster = await Roster.open(connection, {
      onMalformed: (worker, reason) => log.warn({ worker, reason }, 'malformed heartbeat ignored'),
      onChange: (change) => rateCard?.observe(change),
    });
    const store: RecordStore = { connection, manager, jetstream: jetstream(connection) };
    const director = new Director(options, store, roster);
    const now = director.#now;
    const { measure } = options;
    const credits = await CreditsSwitch.start({
      ...{ ...options, store, replicas, wanted, now },
      onOpen: ({ ledger }) => {
        if (measure) rateCard = new RateCardKeeper({ roster, ledger, measure, log, now });
        director.#rateCard = rateCard;
      },
    });
    director.#credits = credits;
    const settle = async (account: Account, job: JobId) => credits.current?.settler.settle(account, job);
    director.#reaper = await Reaper.start({
      store,
      log,
      times: options.reaperTimes,
      now,
      settle,
      own: director.#own,
    });
    await director.#serve(options.version);
    return director;
  }

  /** Since the start: jobs accepted, requests refused as malformed or impossible, jobs cancelled. */
  get counts(): Readonly<{ accepted: number; refused: number; cancelled: number }> {
    return { ...this.#counts, refused: this.#endpoints?.refused ?? 0 };
  }

  /** What was done for accepted jobs that nobody else looked after. */
  get reaped(): Readonly<{ requeued: number; expired: number; abandoned: number }> {
    return this.#reaper?.counts ?? { requeued: 0, expired: 0, abandoned: 0 };
  }

  /** Jobs that were moved from their account's own workers to the queue of all. */
  get moved(): number {
    return this.#own?.moved ?? 0;
  }

  /** Reservations that this director has ended since its start; none where credits are off. */
  get settled(): Readonly<{ settled: number; refunded: number }> {
    return this.#credits?.current?.settler.counts ?? { settled: 0, refunded: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.stop();
    this.#ownRequests?.[Symbol.dispose]();
    await this.#reaper?.[Symbol.asyncDispose]();
    await this.#rateCard?.idle();
    await this.#credits?.[Symbol.asyncDispose]();
    this.#waiting[Symbol.dispose]();
    this.#own?.[Symbol.dispose]();
    await this.#roster[Symbol.asyncDispose]();
  }

  async #serve(version: string): Promise<void> {
    this.#service = await new Svcm(this.#connection).add({
      name: 'aipg-director',
      version,
      description: 'Admits jobs to the grid and looks after them',
      queue: 'directors',
      metadata: { protocol: String(PROTOCOL_VERSION) },
    });
    const endpoints = new Endpoints(this.#connection, this.#service, this.#log);
    this.#endpoints = endpoints;
    const store = this.#store;
    const credits = () => this.#credits?.current;
    const admission = {
      store,
      policy: this.#policy,
      roster: this.#roster,
      unfinished: this.#unfinished,
      waiting: this.#waiting,
      own: this.#own,
      rates: new Rates(store, this.#now),
      tickets: new RecentTickets(),
      charges: async () => (await this.#credits?.settled())?.charges,
      priced: async () => this.#rateCard?.idle(),
      now: this.#now,
      log: this.#log,
    };
    servePrices(endpoints, admission, credits);
    serveCredits(endpoints, store, credits, this.#now);
    serveOperators(endpoints, credits, this.#log);
    serveAccounts(endpoints, store, admission, this.#counts, this.#log);
    serveWorkers(endpoints, admission);
    if (this.#own) this.#ownRequests = serveOwn(admission, this.#own, this.#log);
    servePieces(endpoints, store);
    endpoints.ofAccount('status', statusRequestSchema, () => this.#status());
    await this.#connection.flush();
  }

  async #status(): Promise<StatusReply> {
    const [directors, { state }] = await Promise.all([
      listDirectors(this.#connection),
      this.#store.manager.streams.info(STREAMS.jobs),
    ]);
    return { directors, workers: this.#roster.workers(), jobs: state.messages };
  }
}
