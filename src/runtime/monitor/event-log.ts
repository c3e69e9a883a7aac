import type { LogEntry } from './grid-snapshot.ts';

/** Entries kept of the ordinary, and as many of what went wrong or changed the grid. */
const MAX_ENTRIES = 500;

/** What happened lately. What matters is kept apart, so that a busy grid does not push it out. */
export class EventLog {
  #ordinary: LogEntry[] = [];
  #notable: LogEntry[] = [];
  #merged: readonly LogEntry[] | undefined;
  #count = 0;

  add(entry: Omit<LogEntry, 'number'>): void {
    const numbered = { ...entry, number: this.#count++ };
    const list = entry.about === 'job' && entry.level === 'info' ? this.#ordinary : this.#notable;
    list.push(numbered);
    this.#merged = undefined;
    // Cut by halves: shifting one out each time would move all of them.
    if (this.#ordinary.length >= 2 * MAX_ENTRIES) this.#ordinary = this.#ordinary.slice(-MAX_ENTRIES);
    if (this.#notable.length >= 2 * MAX_ENTRIES) this.#notable = this.#notable.slice(-MAX_ENTRIES);
  }

  /** The oldest first; the same list until something is added. */
  get entries(): readonly LogEntry[] {
    this.#merged ??= [...this.#ordinary.slice(-MAX_ENTRIES), ...this.#notable.slice(-MAX_ENTRIES)].sort(
      (a, b) => a.number - b.number,
    );
    return this.#merged;
  }
}
