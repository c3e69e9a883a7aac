import { CLASSES, CONTROLS, canBeWritten, invert, LINE_ENDS, type Range } from './characters.ts';
import { canBeEmpty, extentOf, sizeOf } from './pattern-cost.ts';

/** A regular expression as a grammar can say it: no look-around, no back-reference, anchors at the two ends only. */
export interface Pattern {
  readonly body: PatternNode;
  /** Whether any text may stand before and after. */
  readonly openStart: boolean;
  readonly openEnd: boolean;
  /** Characters and choices with repetitions counted out: what a grammar of it costs. */
  readonly size: number;
  /** Most places of it that one text may have reached at once. */
  readonly width: number;
}

export type PatternNode =
  | { readonly kind: 'characters'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly min: number; readonly max: number };

const MOST_SIZE = 500;
const MOST_REPEATS = 200;

class Unsupported extends Error {}

/** Reads a pattern; undefined when a grammar cannot say it, or only at too great a cost. */
export function parsePattern(source: string): Pattern | undefined {
  const openStart = !source.startsWith('^');
  const openEnd = !/(^|[^\\])(\\\\)*\$$/.test(source);
  const inner = source.slice(openStart ? 0 : 1, openEnd ? undefined : -1);
  try {
    const reader = new Reader(inner);
    const body = reader.choice();
    if (!reader.ended) return undefined;
    // In ^a|b$ each anchor holds for one side only.
    if (body.kind === 'choice' && !(openStart && openEnd)) return undefined;
    const size = sizeOf(body);
    if (size > MOST_SIZE) return undefined;
    return {
      body,
      openStart,
      openEnd,
      size,
      width: Number(openStart) + Number(openEnd) + extentOf(body).width,
    };
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Reader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(source: string) {
    this.#characters = [...source];
  }

  get ended(): boolean {
    return this.#at === this.#characters.length;
  }

  choice(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'choice', nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    while (!this.ended && this.#peek() !== '|' && this.#peek() !== ')') nodes.push(this.#quantified());
    return { kind: 'sequence', nodes };
  }

  #quantified(): PatternNode {
    const node = this.#atom();
    const count = this.#count();
    if (count === undefined) return node;
    this.#take('?');
    const [min, max] = count;
    const most = Number.isFinite(max) ? max : min;
    if (most > MOST_REPEATS || max < min || (canBeEmpty(node) && max > 1)) throw new Unsupported();
    return { kind: 'repeat', node, min, max };
  }

  #count(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    if (this.#peek() !== '{') return undefined;
    const rest = this.#characters.slice(this.#at, this.#at + 16).join('');
    const match = /^\{(\d+)(,?)(\d*)\}/.exec(rest);
    if (!match) throw new Unsupported();
    this.#at += match[0].length;
    const min = Number(match[1]);
    if (match[2] === '') return [min, min];
    return [min, match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])];
  }

  #atom(): PatternNode {
    const character = this.#next();
    if (character === '(') return this.#group();
    if (character === '[') return characters(this.#class());
    if (character === '.') return characters(invert(LINE_ENDS));
    if (character === '\\') return characters(this.#escape());
    if ('^$*+?{}]'.includes(character)) throw new Unsupported();
    return characters([single(character)]);
  }

  #group(): PatternNode {
    if (this.#take('?')) {
      if (this.#take('<')) {
        if (!/[A-Za-z_]/.test(this.#peek() ?? '')) throw new Unsupported();
        while (this.#next() !== '>');
      } else if (!this.#take(':')) throw new Unsupported();
    }
    const node = this.choice();
    if (!this.#take(')')) throw new Unsupported();
    return node;
  }

  #class(): readonly Range[] {
    const inverted = this.#take('^');
    const ranges: Range[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      const to = this.#peek() === '-' && this.#characters[this.#at + 1] !== ']' ? this.#to() : from;
      const [first, last] = [from[0], to[0]];
      if (to === from) ranges.push(...from);
      else if (
        from.length === 1 &&
        to.length === 1 &&
        first &&
        last &&
        first[0] === first[1] &&
        last[0] >= first[0]
      )
        ranges.push([first[0], last[1]]);
      else throw new Unsupported();
    }
    return inverted ? invert(ranges) : ranges;
  }

  #to(): readonly Range[] {
    this.#next();
    return this.#member();
  }

  #member(): readonly Range[] {
    const character = this.#next();
    return character === '\\' ? this.#escape(true) : [single(character)];
  }

  #escape(inClass = false): readonly Range[] {
    const character = this.#next();
    if (Object.hasOwn(CLASSES, character)) return CLASSES[character] as readonly Range[];
    if (Object.hasOwn(CONTROLS, character)) return [point(CONTROLS[character] as number)];
    if (character === 'x') return [point(this.#hex(2))];
    if (character === 'u') return [point(this.#hex(4))];
    if (/[A-Za-z0-9]/.test(character) && !(inClass && character === 'b')) throw new Unsupported();
    return [character === 'b' ? point(8) : single(character)];
  }

  #hex(digits: number): number {
    const text = this.#characters.slice(this.#at, this.#at + digits).join('');
    if (text.length !== digits || !/^[0-9A-Fa-f]+$/.test(text)) throw new Unsupported();
    this.#at += digits;
    return Number.parseInt(text, 16);
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#characters[this.#at];
    if (character === undefined) throw new Unsupported();
    this.#at++;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }
}

function characters(ranges: readonly Range[]): PatternNode {
  if (!canBeWritten(ranges)) throw new Unsupported();
  return { kind: 'characters', ranges };
}

function single(character: string): Range {
  return point(character.codePointAt(0) ?? 0);
}

function point(code: number): Range {
  return [code, code];
}
