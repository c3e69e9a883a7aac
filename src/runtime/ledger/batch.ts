import { AipgError } from '../protocol/errors.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Entry, EntryDraft } from './entry.ts';
import { sealEntries, writeEntry } from './seal.ts';
import type { LedgerState, LedgerView } from './state.ts';

/** What to add to the ledger as it stands; `undefined` or nothing when there is nothing to add. */
export type BuildDrafts = (state: LedgerView) => readonly EntryDraft[] | undefined;

/** Somebody who wants entries to be added. */
export interface Wish {
  readonly build: BuildDrafts;
  readonly onSent?: (() => void) | undefined;
  readonly resolve: (entries: Entry[] | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The entries of several wishes, sealed one after the other to be appended in one message. What becomes of a wish is
 * told only once it is known that the state it was built on was the newest.
 */
export class Batch {
  readonly fork: LedgerState;
  readonly wishes: Wish[] = [];
  readonly #entries: Entry[] = [];
  readonly #lines: string[] = [];
  readonly #tell: (() => void)[] = [];
  readonly #onSent: (() => void)[] = [];
  readonly #now: number;
  #bytes = 0;
  #refused = 0;

  /** @param now milliseconds since 1970 */
  constructor(state: LedgerState, now: number) {
    this.fork = state.fork();
    this.#now = now;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Wishes that a rule forbids as things stand. */
  get refused(): number {
    return this.#refused;
  }

  /** False: the message is full. */
  add(wish: Wish): boolean {
    const fork = this.fork.fork();
    let entries: Entry[];
    try {
      entries = sealEntries(fork, wish.build(fork) ?? [], this.#now);
    } catch (error) {
      return this.#refuse(wish, error);
    }
    const lines = entries.map(writeEntry);
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    if (this.#bytes + bytes > LIMITS.messageBytes) {
      if (this.#bytes > 0) return false;
      return this.#refuse(wish, new AipgError('internal', 'The entries are more than one message takes.'));
    }
    this.fork.merge(fork);
    this.#bytes += bytes;
    this.#lines.push(...lines);
    this.#entries.push(...entries);
    if (entries.length > 0) this.#onSent.push(() => wish.onSent?.());
    return this.#settle(wish, () => wish.resolve(entries.length > 0 ? entries : undefined));
  }

  /** One line for each entry. */
  payload(): Uint8Array {
    return Buffer.from(this.#lines.map((line) => `${line}\n`).join(''));
  }

  /** Tells everybody whose entries it has that they are on their way. */
  tellSent(): void {
    for (const tell of this.#onSent) tell();
  }

  /** Tells everybody what has become of their wish. */
  tell(): void {
    for (const tell of this.#tell) tell();
  }

  #refuse(wish: Wish, error: unknown): true {
    this.#refused += 1;
    return this.#settle(wish, () => wish.reject(error));
  }

  #settle(wish: Wish, tell: () => void): true {
    this.wishes.push(wish);
    this.#tell.push(tell);
    return true;
  }
}
