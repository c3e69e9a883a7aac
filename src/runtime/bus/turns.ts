/**
 * Says whose turn it is among several that are served by weight (stride scheduling, Waldspurger and Weihl 1995): where
 * all have work, each gets its share, and the one with the greatest share first; one without work saves up nothing.
 */
export class FairTurns<Name> {
  readonly #strides: ReadonlyMap<Name, number>;
  /** When each that has work is due, in virtual time. */
  readonly #due = new Map<Name, number>();
  #clock = 0;

  /** @param weights above 0 */
  constructor(weights: ReadonlyMap<Name, number>) {
    this.#strides = new Map([...weights].map(([name, weight]) => [name, 1 / weight]));
  }

  /** Whose turn it is among those that have work; `undefined` when none has. */
  next(hasWork: (name: Name) => boolean): Name | undefined {
    let first: Name | undefined;
    for (const name of this.#strides.keys()) {
      if (!hasWork(name)) {
        this.#due.delete(name);
        continue;
      }
      const due = this.#dueOf(name);
      this.#due.set(name, due);
      if (first === undefined || due < this.#dueOf(first)) first = name;
    }
    return first;
  }

  /** It was served. */
  took(name: Name): void {
    this.#clock = Math.max(this.#clock, this.#dueOf(name));
    this.#due.set(name, this.#dueOf(name) + (this.#strides.get(name) ?? 0));
  }

  #dueOf(name: Name): number {
    return this.#due.get(name) ?? this.#clock + (this.#strides.get(name) ?? 0);
  }
}
