import type { Shape, Shapes } from './shape.ts';
import { Starts } from './starts.ts';

/** Most readings of one text that a grammar may have to follow side by side: each costs time at every token. */
export const MOST_WIDTH = 64;
/** Optional properties that cost as much as one reading: their names tell them apart at once. */
const OPTIONAL_PER_READING = 16;

/** Characters of the shortest text of each definition; infinite where a text of it has no end. */
export function shortestLengths({ root, definitions }: Shapes): {
  readonly of: (shape: Shape) => number;
  readonly root: number;
} {
  const lengths = fixpoint(definitions, Number.POSITIVE_INFINITY, shortest);
  const of = (shape: Shape) => shortest(shape, (name) => lengths.get(name) ?? Number.POSITIVE_INFINITY);
  return { of, root: of(root) };
}

function shortest(shape: Shape, named: (name: string) => number): number {
  switch (shape.kind) {
    case 'literals':
      return Math.min(...shape.texts.map(({ length }) => length));
    case 'string':
      return 2 + shape.min;
    case 'pattern':
      return 2;
    case 'integer':
    case 'number':
      return 1;
    case 'array': {
      const item =
        shape.items === undefined || shape.min === 0 ? 0 : shape.min * (1 + shortest(shape.items, named));
      return 2 + item + shape.leading.reduce((sum, inner) => sum + 1 + shortest(inner, named), 0);
    }
    case 'object':
      return shape.properties
        .filter(({ required }) => required)
        .reduce((sum, { key, value }) => sum + key.length + 4 + shortest(value, named), 2);
    case 'map':
      return shape.min === 0 ? 2 : 2 + shape.min * (4 + shortest(shape.values, named));
    case 'union':
      return Math.min(...shape.branches.map((branch) => shortest(branch, named)));
    case 'reference':
      return named(shape.name);
  }
}

/**
 * How many readings of one text may be open at once, at most: the branches of a union that begin alike are all
 * followed until a character tells them apart, and with them all that they hold.
 */
export function width({ root, definitions }: Shapes): number {
  const beginnings = new Starts(definitions);
  const widths = fixpoint(definitions, 0, (shape, named) => Math.min(MOST_WIDTH + 1, widthOf(shape, named)));
  return widthOf(root, (name) => widths.get(name) ?? 0);

  function widthOf(shape: Shape, named: (name: string) => number): number {
    const inner = (shapes: readonly Shape[]) =>
      shapes.reduce((most, one) => Math.max(most, widthOf(one, named)), 1);
    switch (shape.kind) {
      case 'array':
        return inner(shape.items === undefined ? shape.leading : [...shape.leading, shape.items]);
      case 'object': {
        const optional = shape.properties.filter(({ required }) => !required).length;
        return Math.max(
          1 + Math.floor(optional / OPTIONAL_PER_READING),
          inner(shape.properties.map(({ value }) => value)),
        );
      }
      case 'map':
        return inner([shape.values]);
      case 'union':
        return unionWidth(shape.branches, named);
      case 'reference':
        return named(shape.name);
      case 'pattern':
        return shape.pattern.width;
      default:
        return 1;
    }
  }

  function unionWidth(branches: readonly Shape[], named: (name: string) => number): number {
    const widths = branches.map((branch) => widthOf(branch, named));
    return branches.reduce((most, branch) => {
      const alike = widths.filter((_, other) => beginnings.alike(branch, branches[other] as Shape));
      return Math.max(
        most,
        alike.reduce((sum, one) => sum + one, 0),
      );
    }, 1);
  }
}

/** Values of definitions that are made of each other, from a first guess until none changes. */
function fixpoint(
  definitions: ReadonlyMap<string, Shape>,
  start: number,
  value: (shape: Shape, named: (name: string) => number) => number,
): ReadonlyMap<string, number> {
  const values = new Map([...definitions.keys()].map((name) => [name, start]));
  const named = (name: string) => values.get(name) ?? start;
  for (let changed = true; changed; ) {
    changed = false;
    for (const [name, shape] of definitions) {
      const next = value(shape, named);
      if (next === named(name)) continue;
      values.set(name, next);
      changed = true;
    }
  }
  return values;
}

/** A definition that begins with itself, so that no character is ever reached; undefined when there is none. */
export function loop({ definitions }: Shapes): string | undefined {
  const done = new Set<string>();
  const open = new Set<string>();
  const visit = (shape: Shape): string | undefined => {
    if (shape.kind === 'union') {
      for (const branch of shape.branches) {
        const found = visit(branch);
        if (found !== undefined) return found;
      }
    }
    if (shape.kind !== 'reference' || done.has(shape.name)) return undefined;
    if (open.has(shape.name)) return shape.name;
    open.add(shape.name);
    const target = definitions.get(shape.name);
    const found = target === undefined ? undefined : visit(target);
    open.delete(shape.name);
    done.add(shape.name);
    return found;
  };
  for (const name of definitions.keys()) {
    const found = visit({ kind: 'reference', name });
    if (found !== undefined) return found;
  }
  return undefined;
}
