import { AipgError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { Batch, type BuildDrafts, type Wish } from './batch.ts';
import { nextDayAt } from './day.ts';
import type { Entry } from './entry.ts';
import { readMessage } from './message.ts';
import { LedgerState, type LedgerView } from './state.ts';

export type { BuildDrafts } from './batch.ts';

/** A message that a log keeps. */
export interface LogMessage {
  /** 1 for the first, then one more each. */
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** Where entries are kept: what was appended stays, in one order for all, and is shown to all who follow. */
export interface EntryLog extends AsyncDisposable {
  /**
   * Appends a message right behind that of the sequence `expected`. False: another one is there by now.
   * After an error, nobody knows whether it was appended.
   */
  append(data: Uint8Array, expected: number): Promise<boolean>;
  /** All messages from the first on, and those to come. */
  follow(take: (message: LogMessage) => void): Promise<void>;
  /** The sequence of the last message; 0 when there is none. */
  last(): Promise<number>;
}

/** Told of all entries, in their order. @param sequence of the message that holds them */
export type EntryListener = (entries: readonly Entry[], sequence: number) => void;

export interface LedgerOptions {
  readonly log: Log;
  readonly now?: () => number;
  readonly listeners?: readonly EntryListener[];
  /** Before a log that did not answer is asked again, in milliseconds. Default: 250. */
  readonly retryMs?: number;
  /** For how long it is asked again before what was to be added is given up, in milliseconds. Default: 20,000. */
  readonly patienceMs?: number;
  /**
   * Who has been the only one to append for longer than this is taken for the only one that does, in milliseconds.
   * Default: 600,000.
   */
  readonly aloneMs?: number | undefined;
}

/** How long a log may take to show what it has, in milliseconds. */
const CATCH_UP_MS = 20_000;
/** After midnight, before the root of the day that ended is written, in milliseconds: clocks differ. */
const ROOT_AFTER_MS = 5_000;

/**
 * The ledger as a director has it: its state, kept up to date by what the log shows, and the one way to add to it. Any
 * number append at once: each appends to the state that it built on or not at all, so all have the same entries in the
 * same order, and none that a rule forbids.
 */
export class Ledger implements AsyncDisposable {
  readonly #entryLog: EntryLog;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #listeners: readonly EntryListener[];
  readonly #retryMs: number;
  readonly #patienceMs: number;
  readonly #aloneMs: number;
  readonly #state = LedgerState.empty();
  #sequence = 0;
  #wishes: Wish[] = [];
  #isAppending = false;
  /** Whether the log has answered what it was sent last. */
  #isAnswering = true;
  /** When another has appended last, by the time of its entries, in milliseconds since 1970. */
  #othersAt = 0;
  /** On its way into the log. */
  #sent: { readonly batch: Batch; readonly payload: Uint8Array; readonly sequence: number } | undefined;
  readonly #waiting = new Set<{ readonly for: number; readonly go: () => void }>();
  readonly #stopped = new AbortController();
  #rootTimer: NodeJS.Timeout | undefined;

  private constructor(entryLog: EntryLog, options: LedgerOptions) {
    const { log, now = Date.now, listeners = [] } = options;
    this.#entryLog = entryLog;
    this.#log = log;
    this.#now = now;
    this.#listeners = listeners;
    this.#retryMs = options.retryMs ?? 250;
    this.#patienceMs = options.patienceMs ?? 20_000;
    this.#aloneMs = options.aloneMs ?? 600_000;
  }

  /** Resolves when all entries that are there have been read. The log is the ledger's from now on. */
  static async open(entryLog: EntryLog, options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(entryLog, options);
    await entryLog.follow((message) => ledger.#take(message));
    await ledger.catchUp();
    ledger.#awaitMidnight();
    return ledger;
  }

  /** As of the last entry that is known here. */
  get state(): LedgerView {
    return this.#state;
  }

  /**
   * Adds what `build` makes of the newest state; it is called again when another was first.
   * @param onSent called when it is on its way and most likely nobody else is first, as nobody else has appended for
   * long; whether it was added, the promise says
   * @returns the entries that were added, with their places; `undefined` when there was nothing to add
   * @throws AipgError what `build` throws; `ledger-refused`, `insufficient-credits`; `grid-unreachable`
   */
  append(build: BuildDrafts, onSent?: Wish['onSent']): Promise<Entry[] | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Entry[] | undefined>();
    this.#wishes.push({ build, onSent, resolve, reject });
    if (!this.#isAppending) void this.#appendAll();
    return promise;
  }

  /** Resolves when all that the log has now is in {@link state}. @throws AipgError `grid-unreachable` */
  async catchUp(): Promise<void> {
    this.#stopped.signal.throwIfAborted();
    const last = await this.#entryLog.last();
    if (!(await this.#reach(last, CATCH_UP_MS))) {
      throw new AipgError('grid-unreachable', 'The message bus does not show the ledger to its end.', {
        hint: 'See the log of nats-server.',
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#rootTimer);
    this.#stop(new AipgError('grid-unreachable', 'The ledger was closed.'));
    await this.#entryLog[Symbol.asyncDispose]();
  }

  async #appendAll(): Promise<void> {
    this.#isAppending = true;
    let failingSince: number | undefined;
    while (this.#wishes.length > 0) {
      try {
        this.#stopped.signal.throwIfAborted();
        await this.#appendBatch();
        failingSince = undefined;
      } catch (error) {
        this.#isAnswering = false;
        failingSince ??= performance.now();
        const isHopeless =
          this.#stopped.signal.aborted || performance.now() - failingSince > this.#patienceMs;
        if (isHopeless) for (const wish of this.#wishes.splice(0)) wish.reject(error);
        else await this.#reach(this.#sequence + 1, this.#retryMs).catch(() => undefined);
      }
    }
    this.#isAppending = false;
  }

  /** What could not be appended now stays wished for. */
  async #appendBatch(): Promise<void> {
    const built = this.#sequence;
    const batch = new Batch(this.#state, this.#now());
    for (const wish of this.#wishes) if (!batch.add(wish)) break;
    if (batch.entries.length > 0) {
      const payload = batch.payload();
      this.#sent = { batch, payload, sequence: built + 1 };
      const appended = this.#entryLog.append(payload, built);
      if (this.#isAnswering && this.#now() - this.#othersAt > this.#aloneMs) batch.tellSent();
      const isFirst = await appended;
      this.#isAnswering = true;
      if (!isFirst) {
        // Another was first: its message is on its way here.
        await this.#reach(built + 1, CATCH_UP_MS);
        return;
      }
      // The log may have shown it before it said so.
      if (this.#sequence === built) this.#accept(batch.fork, batch.entries, built + 1);
    } else if (batch.refused > 0) {
      await this.catchUp();
      if (this.#sequence !== built) return;
    }
    this.#wishes = this.#wishes.slice(batch.wishes.length);
    batch.tell();
  }

  #take({ sequence, data }: LogMessage): void {
    if (sequence <= this.#sequence || this.#stopped.signal.aborted) return;
    if (sequence !== this.#sequence + 1) {
      this.#stop(new AipgError('ledger-invalid', `Message ${this.#sequence + 1} of the ledger is missing.`));
      return;
    }
    // What was made here was checked as it was made.
    if (this.#sent?.sequence === sequence && Buffer.compare(this.#sent.payload, data) === 0) {
      this.#accept(this.#sent.batch.fork, this.#sent.batch.entries, sequence);
      return;
    }
    const read = readMessage(this.#state, data);
    this.#othersAt = 'entries' in read ? (read.entries.at(-1)?.at ?? this.#now()) : this.#now();
    if ('entries' in read) this.#accept(read.fork, read.entries, sequence);
    else if (read.isNewer) this.#stop(read.error);
    else {
      // All who follow leave out the same.
      this.#log.error({ sequence, reason: read.error.message }, 'a message in the ledger counts for nothing');
      this.#accept(this.#state.fork(), [], sequence);
    }
  }

  #accept(fork: LedgerState, entries: readonly Entry[], sequence: number): void {
    this.#state.merge(fork);
    this.#sequence = sequence;
    for (const listener of this.#listeners) listener(entries, sequence);
    for (const waiting of this.#waiting) if (waiting.for <= sequence) waiting.go();
  }

  /** Waits for a message. False: it did not come in this time, in milliseconds. */
  async #reach(sequence: number, timeoutMs: number): Promise<boolean> {
    this.#stopped.signal.throwIfAborted();
    if (this.#sequence >= sequence) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { for: sequence, go: resolve };
    const timer = setTimeout(resolve, timeoutMs);
    this.#waiting.add(waiting);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(waiting);
    this.#stopped.signal.throwIfAborted();
    return this.#sequence >= sequence;
  }

  #stop(error: AipgError): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort(error);
    for (const { go } of this.#waiting) go();
  }

  /** A day whose root nobody has had a reason to write gets it soon after its end. */
  #awaitMidnight(): void {
    const now = this.#now();
    this.#rootTimer = setTimeout(
      () => {
        this.append((state) => {
          const root = state.dueRoot(this.#now());
          return root && [root];
        }).catch((error: Error) =>
          this.#log.warn({ reason: error.message }, 'the root of a day could not be written'),
        );
        this.#awaitMidnight();
      },
      nextDayAt(now) - now + ROOT_AFTER_MS,
    );
    this.#rootTimer.unref();
  }
}
