import type { JsonSchema } from '../protocol/format.ts';
import { combine, isObject } from './combine.ts';
import { isAnnotation, isKnown, KEYWORDS } from './keywords.ts';
import { readArray, readNumber, readObject, readString } from './read-types.ts';
import { list, literals, typesOf } from './read-values.ts';
import { inside, type Place, refusal } from './refusal.ts';
import { ANY, ANY_DEFINITION, ANY_SHAPE, type Shape, type Shapes } from './shape.ts';

/** Deepest chain of schemas within and by reference to each other. */
const DEEPEST = 400;

/** Most schemas that are looked at, counting each combination: a bound on time and on the grammar. */
const MOST_READ = 5_000;

/**
 * Reads a schema as the shapes of what it allows.
 * @throws AipgError `input-invalid` naming the place of what is unknown, contradictory or not supported
 */
export function readSchema(document: JsonSchema): Shapes {
  const reader = new SchemaReader(document);
  const root = reader.read(document, '#');
  return { root, definitions: reader.definitions };
}

export class SchemaReader {
  readonly #document: JsonSchema;
  readonly #definitions = new Map<string, Shape>([[ANY, ANY_DEFINITION]]);
  readonly #reading = new Set<string>();
  #read = 0;
  #depth = 0;

  constructor(document: JsonSchema) {
    this.#document = document;
  }

  get definitions(): ReadonlyMap<string, Shape> {
    return this.#definitions;
  }

  read(schema: unknown, place: Place): Shape {
    this.#count(place);
    if (this.#depth >= DEEPEST) throw refusal(place, 'is nested too deeply');
    this.#depth += 1;
    try {
      return this.#readCounted(schema, place);
    } finally {
      this.#depth -= 1;
    }
  }

  #count(place: Place): void {
    this.#read += 1;
    if (this.#read > MOST_READ) throw refusal(place, 'is too large, with all its combinations');
  }

  #readCounted(schema: unknown, place: Place): Shape {
    if (schema === true) return ANY_SHAPE;
    if (schema === false) throw refusal(place, 'allows nothing');
    if (!isObject(schema)) throw refusal(place, 'is neither an object nor true or false');
    this.#checkKeywords(schema, place);
    const { $ref, ...rest } = schema;
    if ($ref !== undefined && Object.keys(rest).every(isAnnotation)) return this.#reference($ref, place);
    if ($ref !== undefined || schema['allOf'] !== undefined) {
      return this.read(this.#flatten(schema, place, new Set()), place);
    }
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (schema[keyword] !== undefined) return this.#union(schema, keyword, place);
    }
    if (schema['const'] !== undefined || schema['enum'] !== undefined) return literals(schema, place);
    return this.#typed(schema, place);
  }

  #checkKeywords(schema: JsonSchema, place: Place): void {
    const unknown = Object.keys(schema).find((keyword) => !isKnown(keyword));
    if (unknown !== undefined) {
      throw refusal(
        place,
        `has a keyword that is not supported, ${JSON.stringify(unknown)}`,
        hintFor(unknown),
      );
    }
    if (schema['$id'] !== undefined && place !== '#')
      throw refusal(place, 'has an $id, which is supported at its root only');
  }

  #reference(reference: unknown, place: Place): Shape {
    const name = String(reference);
    if (!this.#definitions.has(name) && !this.#reading.has(name)) {
      this.#reading.add(name);
      const target = this.#resolve(reference, place);
      this.#definitions.set(name, this.read(target, name as Place));
    }
    return { kind: 'reference', name };
  }

  #resolve(reference: unknown, place: Place): unknown {
    if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) {
      throw refusal(
        place,
        `refers to ${JSON.stringify(reference)}, which is not a place in itself`,
        'Write what is referred to under $defs, and refer to it as #/$defs/NAME.',
      );
    }
    let target: unknown = this.#document;
    for (const step of reference.slice(1).split('/').slice(1)) {
      const key = decode(step);
      if (Array.isArray(target)) target = target[Number(key)];
      else target = isObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
      if (target === undefined) throw refusal(place, `refers to ${reference}, which is not there`);
    }
    return target;
  }

  /** A schema with its `$ref` and `allOf` written out. */
  #flatten(schema: JsonSchema, place: Place, seen: ReadonlySet<string>): JsonSchema {
    this.#count(place);
    if (seen.size > DEEPEST) throw refusal(place, 'is nested too deeply');
    this.#checkKeywords(schema, place);
    const { $ref, allOf, ...rest } = schema;
    const parts: JsonSchema[] = [rest];
    if ($ref !== undefined) {
      if (seen.has(String($ref))) throw refusal(place, `refers to itself by ${String($ref)} without an end`);
      const target = this.#resolve($ref, place);
      if (isObject(target))
        parts.push(this.#flatten(target, String($ref) as Place, new Set([...seen, String($ref)])));
      else if (target !== true) throw refusal(place, 'allows nothing');
    }
    if (allOf !== undefined) {
      for (const [index, part] of list(allOf, 'allOf', place).entries()) {
        if (part === true) continue;
        if (!isObject(part)) throw refusal(inside(place, 'allOf', index), 'allows nothing');
        parts.push(this.#flatten(part, inside(place, 'allOf', index), seen));
      }
    }
    return combine(
      parts.map(({ $defs, definitions, $id, $schema, ...part }) => part),
      place,
    );
  }

  #union(schema: JsonSchema, keyword: 'anyOf' | 'oneOf', place: Place): Shape {
    const { [keyword]: branches, ...rest } = schema;
    const alone = Object.keys(rest).every(isAnnotation);
    const shapes = list(branches, keyword, place).flatMap((branch, index) => {
      const at = inside(place, keyword, index);
      if (branch === false) return [];
      if (alone || branch === true) return [this.read(alone ? branch : rest, at)];
      return [this.read({ allOf: [rest, branch] }, at)];
    });
    if (shapes.length === 0) throw refusal(inside(place, keyword), 'allows nothing');
    return union(shapes);
  }

  #typed(schema: JsonSchema, place: Place): Shape {
    const types = typesOf(schema, place);
    if (types.length === 0) return ANY_SHAPE;
    return union(types.map((type) => this.#ofType(type, schema, place)));
  }

  #ofType(type: unknown, schema: JsonSchema, place: Place): Shape {
    switch (type) {
      case 'object':
        return readObject(this, schema, place);
      case 'array':
        return readArray(this, schema, place);
      case 'string':
        return readString(schema, place);
      case 'integer':
      case 'number':
        return readNumber(schema, place, type);
      case 'boolean':
        return { kind: 'literals', texts: ['true', 'false'] };
      case 'null':
        return { kind: 'literals', texts: ['null'] };
      default:
        throw refusal(inside(place, 'type'), `has an unknown type, ${JSON.stringify(type)}`);
    }
  }
}

/** Of branches that are the same, one. */
function union(shapes: readonly Shape[]): Shape {
  const different = [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
  return different.length === 1 ? (different[0] as Shape) : { kind: 'union', branches: different };
}

function decode(step: string): string {
  let text = step;
  try {
    text = decodeURIComponent(step);
  } catch {
    // Not percent-encoded, then.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

function hintFor(keyword: string): string {
  if (keyword === 'nullable') return 'Write it as "type": ["string", "null"].';
  const alike = KEYWORDS.find((known) => known.toLowerCase() === keyword.toLowerCase());
  return alike === undefined
    ? 'It may be misspelt: aipg takes no keyword that it would have to ignore.'
    : `It is written ${alike}.`;
}
