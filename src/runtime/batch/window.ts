/** Records that may wait for an earlier one: a slow line holds up no more than this many. */
const MOST_RECORDS = 1_024;
/** And no more than this, in UTF-16 code units. */
const MOST_TEXT = 32 * 1024 * 1024;

export interface WindowOptions {
  /** Index that comes first. */
  readonly next: number;
  readonly mostRecords?: number;
  readonly mostText?: number;
}

/** Puts records that come in any order into the order of their indices, holding a bounded number of them. */
export class ReorderWindow {
  readonly #held = new Map<number, string>();
  readonly #mostRecords: number;
  readonly #mostText: number;
  #next: number;
  #text = 0;

  constructor({ next, mostRecords = MOST_RECORDS, mostText = MOST_TEXT }: WindowOptions) {
    this.#next = next;
    this.#mostRecords = mostRecords;
    this.#mostText = mostText;
  }

  /** Whether a line may be started: its record will find a place here. The next in order always does. */
  hasRoom(index: number): boolean {
    return index === this.#next || (index - this.#next < this.#mostRecords && this.#text < this.#mostText);
  }

  /** Takes a record and returns all that may now be written, joined. */
  add(index: number, record: string): string {
    if (index !== this.#next) {
      this.#held.set(index, record);
      this.#text += record.length;
      return '';
    }
    let ready = record;
    this.#next += 1;
    for (let held = this.#held.get(this.#next); held !== undefined; held = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#text -= held.length;
      ready += held;
      this.#next += 1;
    }
    return ready;
  }

  /** Records that wait. */
  get held(): number {
    return this.#held.size;
  }
}

/** As many lines as may have been started and not written, with this many in flight. */
export function startedAtMost(inFlight: number): number {
  return MOST_RECORDS + inFlight;
}
