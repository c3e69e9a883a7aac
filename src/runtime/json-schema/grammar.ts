import type { Format } from '../protocol/format.ts';
import { loop, MOST_WIDTH, shortestLengths, width } from './bounds.ts';
import { literalsRule } from './literals.ts';
import { decimalRange, integerRange } from './number-range.ts';
import { readSchema } from './read-schema.ts';
import { type Place, refusal } from './refusal.ts';
import { jsonText, quoted, Rules } from './rules.ts';
import {
  ANY,
  ANY_ARRAY,
  ANY_DEFINITION,
  ANY_OBJECT,
  MOST_NUMBER,
  type Property,
  type Shape,
  type Shapes,
} from './shape.ts';
import { anyCharacter, patternRule } from './string-rules.ts';

/** Most characters that the shortest answer may have. */
const MOST_SHORTEST = 100_000;

/**
 * The grammar of a format, in GBNF: every text of it is JSON on one line, and satisfies the schema but for the keywords
 * that are checked afterwards. A text that is not an object, an array or a string ends with a line break, so that its
 * end can be told.
 * @throws AipgError `input-invalid` naming the place of what is not supported or too costly
 */
export function grammarOf(format: Format): string {
  const shapes = format.type === 'json' ? ANY_JSON : readSchema(format.schema);
  const endless = loop(shapes);
  if (endless !== undefined) throw refusal(endless as Place, 'begins with itself');
  const shortest = shortestLengths(shapes);
  if (shortest.root === Number.POSITIVE_INFINITY) {
    throw refusal(
      '#',
      'has no end: all that it allows holds itself',
      'Make what refers back optional, or allow null.',
    );
  }
  if (shortest.root > MOST_SHORTEST)
    throw refusal('#', `asks for answers of ${MOST_SHORTEST} characters or more`);
  if (width(shapes) > MOST_WIDTH) {
    throw refusal(
      '#',
      'has too many alternatives that begin alike',
      'Give each branch of anyOf a first property that tells it apart, such as "type": {"const": "…"}.',
    );
  }
  return new Writer(shapes, shortest.of).grammar();
}

const ANY_JSON: Shapes = {
  root: { kind: 'union', branches: [ANY_OBJECT, ANY_ARRAY] },
  definitions: new Map([[ANY, ANY_DEFINITION]]),
};

class Writer {
  readonly #shapes: Shapes;
  readonly #shortest: (shape: Shape) => number;
  readonly #rules = new Rules();
  readonly #definitions = new Map<string, string>();
  /** After a colon or comma. */
  readonly #comma: string;
  readonly #colon: string;

  constructor(shapes: Shapes, shortest: (shape: Shape) => number) {
    this.#shapes = shapes;
    this.#shortest = shortest;
    this.#comma = this.#rules.add('"," " "?');
    this.#colon = this.#rules.add('":" " "?');
  }

  grammar(): string {
    const root = this.#rule(this.#shapes.root);
    this.#rules.define('root', `${root} "\\n"?`);
    return this.#rules.toString();
  }

  /** The name of a shape's rule. */
  #rule(shape: Shape): string {
    switch (shape.kind) {
      case 'literals':
        return literalsRule(this.#rules, shape.texts);
      case 'string':
        return this.#add(
          `"\\"" ${this.#rules.repeat(anyCharacter(this.#rules), shape.min, shape.max)} "\\""`,
        );
      case 'pattern':
        return this.#add(`"\\"" ${patternRule(this.#rules, shape.pattern)} "\\""`);
      case 'integer':
        return this.#add(integerRange(shape.min, shape.max));
      case 'number':
        return this.#number(shape);
      case 'array':
        return this.#array(shape);
      case 'object':
        return this.#object(shape.properties);
      case 'map':
        return this.#map(shape.values, shape.min, shape.max);
      case 'union':
        return this.#add(
          [...new Set(shape.branches.filter((one) => this.#ends(one)).map((one) => this.#rule(one)))].join(
            ' | ',
          ),
        );
      case 'reference':
        return this.#reference(shape.name);
    }
  }

  #add(body: string): string {
    return this.#rules.add(body);
  }

  /** What cannot come to an end is left out wherever it may be. */
  #ends(shape: Shape): boolean {
    return this.#shortest(shape) <= MOST_SHORTEST;
  }

  #reference(name: string): string {
    const known = this.#definitions.get(name);
    if (known !== undefined) return known;
    const rule = this.#rules.reserve();
    this.#definitions.set(name, rule);
    this.#rules.define(rule, this.#rule(this.#shapes.definitions.get(name) as Shape));
    return rule;
  }

  #number(shape: Extract<Shape, { kind: 'number' }>): string {
    const bounded = Number.isFinite(shape.min) || Number.isFinite(shape.max);
    const range = bounded
      ? decimalRange({
          ...shape,
          min: Math.max(shape.min, -MOST_NUMBER),
          max: Math.min(shape.max, MOST_NUMBER),
        })
      : undefined;
    if (range !== undefined) return this.#add(range);
    const digits = '"-"? ("0" | [1-9] [0-9]{0,14})';
    return this.#add(`${digits} ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?`);
  }

  #array({ leading, items, min, max }: Extract<Shape, { kind: 'array' }>): string {
    const first = leading.map((shape) => this.#rule(shape)).join(` ${this.#comma} `);
    if (items === undefined || max === 0 || (min === 0 && !this.#ends(items)))
      return this.#add(`"[" ${first} "]"`);
    const item = this.#rule(items);
    const more = this.#add(`${this.#comma} ${item}`);
    if (leading.length > 0) return this.#add(`"[" ${first} ${this.#rules.repeat(more, min, max)} "]"`);
    return this.#add(`"[" ${this.#several(item, more, min, max)} "]"`);
  }

  #map(values: Shape, min: number, max: number): string {
    if (max === 0 || (min === 0 && !this.#ends(values))) return this.#add('"{" "}"');
    const key = `"\\"" ${this.#rules.repeat(anyCharacter(this.#rules), 0, Number.POSITIVE_INFINITY)} "\\""`;
    const entry = this.#add(`${this.#add(key)} ${this.#colon} ${this.#rule(values)}`);
    return this.#add(`"{" ${this.#several(entry, this.#add(`${this.#comma} ${entry}`), min, max)} "}"`);
  }

  /** `min` to `max` of them, `more` being one with its comma before. */
  #several(one: string, more: string, min: number, max: number): string {
    const rest = max === 1 ? one : `${one} ${this.#rules.repeat(more, Math.max(0, min - 1), max - 1)}`;
    return min === 0 ? `(${rest})?` : rest;
  }

  /** From the last property back: what may follow when something stands before, and when nothing does. */
  #object(properties: readonly Property[]): string {
    let after = '""';
    let first = '""';
    for (const { key, value, required } of [...properties].reverse()) {
      if (!required && !this.#ends(value)) continue;
      const entry = this.#add(`${quoted(jsonText(key))} ${this.#colon} ${this.#rule(value)}`);
      const [follows, begins] = [`${this.#comma} ${entry} ${after}`, `${entry} ${after}`];
      first = this.#add(required ? begins : `${begins} | ${first}`);
      after = this.#add(required ? follows : `${follows} | ${after}`);
    }
    return this.#add(`"{" ${first} "}"`);
  }
}
