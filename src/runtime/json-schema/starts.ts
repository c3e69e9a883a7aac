import type { Property, Shape } from './shape.ts';

/** Stands for the first character of any number. */
const NUMBER = '\u0000';
const MOST_STARTS = 64;
/** Not to be told apart from anything. */
const ANYTHING: readonly string[] = [''];

/** How the texts of shapes begin: what tells the branches of a union apart. */
export class Starts {
  readonly #definitions: ReadonlyMap<string, Shape>;
  readonly #known = new Map<Shape, readonly string[]>();
  readonly #open = new Set<Shape>();

  constructor(definitions: ReadonlyMap<string, Shape>) {
    this.#definitions = definitions;
  }

  /** Whether texts of both can begin alike, for all that can be said. */
  alike(first: Shape, second: Shape): boolean {
    if (first === second) return true;
    const seconds = this.#of(second);
    return this.#of(first).some((a) => seconds.some((b) => a.startsWith(b) || b.startsWith(a)));
  }

  /** The texts that a shape may begin with, each as far as there is no choice in it. */
  #of(shape: Shape): readonly string[] {
    const known = this.#known.get(shape);
    if (known !== undefined) return known;
    if (this.#open.has(shape)) return ANYTHING;
    this.#open.add(shape);
    const starts = this.#find(shape);
    this.#open.delete(shape);
    const found = starts.length > MOST_STARTS ? ANYTHING : starts;
    this.#known.set(shape, found);
    return found;
  }

  #find(shape: Shape): readonly string[] {
    switch (shape.kind) {
      case 'literals':
        return shape.texts.map((text) => (/^[-\d]/.test(text) ? NUMBER : text));
      case 'string':
      case 'pattern':
        return ['"'];
      case 'integer':
      case 'number':
        return [NUMBER];
      case 'array': {
        const [first] = shape.leading;
        return first === undefined ? ['['] : this.#of(first).map((start) => `[${start}`);
      }
      case 'object':
        return this.#ofObject(shape.properties);
      case 'map':
        return ['{'];
      case 'union':
        return shape.branches.flatMap((branch) => this.#of(branch));
      case 'reference': {
        const target = this.#definitions.get(shape.name);
        return target === undefined ? ANYTHING : this.#of(target);
      }
    }
  }

  #ofObject(properties: readonly Property[]): readonly string[] {
    let start = '{';
    for (const { key, value, required } of properties) {
      if (!required) return [start];
      start += `${JSON.stringify(key)}:`;
      const before = start;
      if (value.kind !== 'literals' || value.texts.length > 1) {
        return this.#of(value).map((next) => `${before}${next}`);
      }
      start += `${value.texts[0]},`;
    }
    return [start];
  }
}
