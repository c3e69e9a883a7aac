import { dayOf } from './day.ts';
import type { Entry, EntryOf } from './entry.ts';
import { proofFrom, treeLevels } from './merkle.ts';

const HASH_BYTES = 32;

interface DayOfEntries {
  readonly first: number;
  count: number;
  hashes: Buffer;
}

/** The hashes of all entries by their day, 32 bytes each: what a proof is made of. */
export class DayHashes {
  readonly #days = new Map<string, DayOfEntries>();
  readonly #roots: EntryOf<'root'>[] = [];
  /** The tree that was asked for last: proofs of one day come together. */
  #built: { readonly day: string; readonly levels: readonly (readonly string[])[] } | undefined;

  add(entry: Entry): void {
    if (entry.kind === 'root') this.#roots.push(entry);
    const name = dayOf(entry.at);
    const day = this.#days.get(name) ?? { first: entry.n, count: 0, hashes: Buffer.alloc(0) };
    this.#days.set(name, day);
    if (day.hashes.length < HASH_BYTES * (day.count + 1)) {
      day.hashes = Buffer.concat([day.hashes], Math.max(64 * HASH_BYTES, 2 * day.hashes.length));
    }
    day.hashes.write(entry.hash, HASH_BYTES * day.count, 'hex');
    day.count += 1;
  }

  /** The roots that were written, the newest first. */
  roots(limit: number): EntryOf<'root'>[] {
    return this.#roots.slice(-limit).reverse();
  }

  /** What leads from an entry to the root of its day; `undefined` while that day has none. */
  prove(entry: Entry): { readonly root: EntryOf<'root'>; readonly path: string[] } | undefined {
    const name = dayOf(entry.at);
    const root = this.#roots.findLast(({ day }) => day === name);
    const day = this.#days.get(name);
    if (!root || !day) return undefined;
    if (this.#built?.day !== name) this.#built = { day: name, levels: treeLevels(hashesOf(day)) };
    return { root, path: proofFrom(this.#built.levels, entry.n - day.first) };
  }
}

function hashesOf({ count, hashes }: DayOfEntries): string[] {
  return Array.from({ length: count }, (_, i) =>
    hashes.toString('hex', HASH_BYTES * i, HASH_BYTES * (i + 1)),
  );
}
