const DELETED = Symbol('deleted');

/** A map over another: it sees what is below, and changes it only when it is told to. */
export class LayeredMap<Key, Value> {
  readonly #below: LayeredMap<Key, Value> | undefined;
  readonly #own = new Map<Key, Value | typeof DELETED>();

  constructor(below?: LayeredMap<Key, Value>) {
    this.#below = below;
  }

  get(key: Key): Value | undefined {
    const own = this.#own.get(key);
    if (own === DELETED) return undefined;
    return own ?? this.#below?.get(key);
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  set(key: Key, value: Value): void {
    this.#own.set(key, value);
  }

  delete(key: Key): void {
    if (this.#below) this.#own.set(key, DELETED);
    else this.#own.delete(key);
  }

  *entries(): Generator<[Key, Value]> {
    for (const [key, value] of this.#own) if (value !== DELETED) yield [key, value];
    if (!this.#below) return;
    for (const entry of this.#below.entries()) if (!this.#own.has(entry[0])) yield entry;
  }

  /** Forgets what was set first, for as long as that is true of it. Of the lowest map only. */
  dropOldest(isOld: (value: Value) => boolean): void {
    for (const [key, value] of this.#own) {
      if (value !== DELETED && !isOld(value)) return;
      this.#own.delete(key);
    }
  }

  /** Takes over what the map above has changed. */
  absorb(above: LayeredMap<Key, Value>): void {
    for (const [key, value] of above.#own) {
      if (value === DELETED) this.delete(key);
      else this.set(key, value);
    }
  }
}
