import type { NatsConnection } from '@nats-io/transport-node';
import { Reconnects } from '../bus/reconnects.ts';
import type { Account, WorkerId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import type { OwnState } from '../protocol/worker-requests.ts';

/** A worker that has not been heard of for this long is taken for dead, in milliseconds: three of its words. */
const ALIVE_MS = 15_000;

/** What a worker has said last, and when. */
interface Told {
  readonly account: Account;
  readonly models: readonly ModelName[];
  readonly state: OwnState['state'];
  at: number;
}

export interface OwnWorkersOptions {
  readonly connection: NatsConnection;
  readonly now: () => number;
  /** Called when a worker takes an account's jobs no more, and no other of the account does, by model. */
  readonly onGone: (account: Account, model: ModelName) => void;
}

/**
 * Which workers serve their own account, by their own word, of which the bus has proved whose it is. Every director
 * hears every word, so nothing of it is kept anywhere: one that starts knows all after one round of heartbeats.
 */
export class OwnWorkers implements Disposable {
  readonly #options: OwnWorkersOptions;
  readonly #told = new Map<WorkerId, Told>();
  /** Those that take jobs now. */
  readonly #taking = new Map<string, Set<WorkerId>>();
  /** Of which there were some, and by their own word are none now. */
  readonly #stopped = new Set<string>();
  readonly #unlisten: () => void;
  #listeningSince: number;
  #expiry: NodeJS.Timeout | undefined;
  /** Else nothing can be heard, and nobody is taken for dead for that. */
  #isConnected = true;

  constructor(options: OwnWorkersOptions) {
    this.#options = options;
    this.#listeningSince = options.now();
    this.#unlisten = Reconnects.of(options.connection).listen((change) => {
      this.#isConnected = change === 'reconnect';
      if (change === 'reconnect') this.#afterSilence();
    });
  }

  /** Whether it has listened long enough that who was not heard of is not there. */
  get knowsAll(): boolean {
    return this.#options.now() - this.#listeningSince > ALIVE_MS;
  }

  [Symbol.dispose](): void {
    this.#unlisten();
    clearTimeout(this.#expiry);
  }

  hear(account: Account, worker: WorkerId, { models, state }: Pick<OwnState, 'models' | 'state'>): void {
    const before = this.#told.get(worker);
    if (before) this.#forget(worker, before);
    const told = { account, models, state, at: this.#options.now() };
    if (state !== 'left') this.#told.set(worker, told);
    if (state === 'serving') {
      for (const model of models) {
        const key = keyOf(account, model);
        this.#taking.set(key, (this.#taking.get(key) ?? new Set()).add(worker));
        this.#stopped.delete(key);
      }
    } else if (before ? before.state !== state : state !== 'left') {
      // The first word of one says nothing of others that were not heard of yet.
      this.#tellGone(told, before?.state === 'serving');
    }
    this.#schedule();
  }

  /** Whether the last of the account's own workers that took its jobs for the model has said that it takes no more. */
  haveStopped(account: Account, model: ModelName): boolean {
    return this.#stopped.has(keyOf(account, model));
  }

  /** The account's own workers that take its jobs for the model now. */
  taking(account: Account, model: ModelName): readonly WorkerId[] {
    return [...(this.#taking.get(keyOf(account, model)) ?? [])];
  }

  /** All of the account's that were heard of. */
  of(account: Account): ReadonlySet<WorkerId> {
    return new Set([...this.#told].filter(([, told]) => told.account === account).map(([worker]) => worker));
  }

  /** Whether a worker of this account may be in the middle of a job: it was heard of, and loads no model. */
  isAtWork(account: Account, worker: WorkerId): boolean {
    const told = this.#told.get(worker);
    return told?.account === account && told.state !== 'loading';
  }

  #forget(worker: WorkerId, { account, models }: Told): void {
    this.#told.delete(worker);
    for (const model of models) {
      const key = keyOf(account, model);
      const taking = this.#taking.get(key);
      taking?.delete(worker);
      if (taking?.size === 0) this.#taking.delete(key);
    }
  }

  /** @param hasSaidSo that it takes the account's jobs no more, which it took before */
  #tellGone({ account, models }: Told, hasSaidSo: boolean): void {
    for (const model of models) {
      const key = keyOf(account, model);
      if (this.#taking.has(key)) continue;
      if (hasSaidSo) this.#stopped.add(key);
      this.#options.onGone(account, model);
    }
  }

  /** Words were missed while the connection was broken: nobody is taken for dead for them. */
  #afterSilence(): void {
    this.#listeningSince = this.#options.now();
    this.#stopped.clear();
    for (const told of this.#told.values()) told.at = this.#listeningSince;
  }

  #schedule(): void {
    if (this.#expiry !== undefined || this.#told.size === 0) return;
    this.#expiry = setTimeout(() => {
      this.#expiry = undefined;
      if (this.#isConnected) this.#expire();
      this.#schedule();
    }, ALIVE_MS / 3);
  }

  #expire(): void {
    const oldest = this.#options.now() - ALIVE_MS;
    // Who is not there needs no word then.
    if (this.knowsAll) this.#stopped.clear();
    for (const [worker, told] of this.#told) {
      if (told.at >= oldest) continue;
      this.#forget(worker, told);
      this.#tellGone(told, false);
    }
  }
}

/** Neither has a space. */
function keyOf(account: Account, model: ModelName): string {
  return `${account} ${model}`;
}
