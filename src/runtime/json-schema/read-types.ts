import type { JsonSchema } from '../protocol/format.ts';
import { isObject } from './combine.ts';
import { parsePattern } from './pattern.ts';
import type { SchemaReader } from './read-schema.ts';
import { inside, type Place, refusal } from './refusal.ts';
import { ANY_SHAPE, MOST_NUMBER, type Property, type Shape } from './shape.ts';
import { STRING_FORMATS } from './string-formats.ts';

/** Counts up to this are enforced; a larger `max` is checked afterwards, a larger `min` refused. */
const MOST_COUNTED = 1_000;

export function readObject(reader: SchemaReader, schema: JsonSchema, place: Place): Shape {
  const { properties = {}, additionalProperties = true } = schema;
  if (!isObject(properties)) throw refusal(inside(place, 'properties'), 'needs an object of properties');
  const required = namesIn(schema, 'required', place);
  const others = () => reader.read(additionalProperties, inside(place, 'additionalProperties'));
  const declared = Object.entries(properties).flatMap(([key, value]): Property[] => {
    const isRequired = required.includes(key);
    if (value === false && !isRequired) return [];
    return [{ key, value: reader.read(value, inside(place, 'properties', key)), required: isRequired }];
  });
  // Required without being declared: its value is like that of any other.
  const undeclared = required
    .filter((key) => !Object.hasOwn(properties, key))
    .map((key): Property => ({ key, value: others(), required: true }));
  if (declared.length + undeclared.length > 0 || additionalProperties === false) {
    return { kind: 'object', properties: [...declared, ...undeclared] };
  }
  const { min, max } = counts(schema, 'minProperties', 'maxProperties', place);
  return { kind: 'map', values: others(), min, max };
}

export function readArray(reader: SchemaReader, schema: JsonSchema, place: Place): Shape {
  const { items, prefixItems } = schema;
  const tuple = prefixItems ?? (Array.isArray(items) ? items : []);
  if (!Array.isArray(tuple)) throw refusal(inside(place, 'prefixItems'), 'needs a list of schemas');
  const { min, max } = counts(schema, 'minItems', 'maxItems', place);
  const keyword = prefixItems === undefined ? 'items' : 'prefixItems';
  const leading = tuple.slice(0, max).map((item, index) => reader.read(item, inside(place, keyword, index)));
  const rest = Array.isArray(items) ? (schema['additionalItems'] ?? true) : (items ?? true);
  const least = Math.max(0, min - leading.length);
  const most = leading.length === 0 ? max : least;
  if (rest === false && least > 0) throw refusal(place, `asks for ${min} items and allows ${leading.length}`);
  if (rest === false || most === 0) return { kind: 'array', leading, items: undefined, min: 0, max: 0 };
  const shape = rest === true ? ANY_SHAPE : reader.read(rest, inside(place, 'items'));
  return { kind: 'array', leading, items: shape, min: least, max: most };
}

export function readString(schema: JsonSchema, place: Place): Shape {
  const { format, pattern } = schema;
  const { min, max } = counts(schema, 'minLength', 'maxLength', place);
  if (format !== undefined) {
    const source = Object.hasOwn(STRING_FORMATS, String(format)) ? STRING_FORMATS[String(format)] : undefined;
    const parsed = source === undefined ? undefined : parsePattern(source);
    if (parsed !== undefined) return { kind: 'pattern', pattern: parsed };
    throw refusal(
      inside(place, 'format'),
      `has a format that is not supported, ${JSON.stringify(format)}`,
      `Supported are ${Object.keys(STRING_FORMATS).join(', ')}; for others, leave it out or use pattern.`,
    );
  }
  if (pattern !== undefined) {
    if (typeof pattern !== 'string') throw refusal(inside(place, 'pattern'), 'needs a text as its pattern');
    const parsed = parsePattern(pattern);
    if (parsed !== undefined) return { kind: 'pattern', pattern: parsed };
  }
  return { kind: 'string', min, max };
}

export function readNumber(schema: JsonSchema, place: Place, type: 'integer' | 'number'): Shape {
  const bound = (keyword: string) => numberIn(schema, keyword, place);
  const low = bound('minimum');
  const high = bound('maximum');
  const above = bound('exclusiveMinimum');
  const below = bound('exclusiveMaximum');
  const min = Math.max(low ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY);
  const max = Math.min(high ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY);
  const empty = () => refusal(place, 'allows no number');
  if (type === 'number') {
    const [openMin, openMax] = [above !== undefined && above >= min, below !== undefined && below <= max];
    if (min > max || min > MOST_NUMBER || max < -MOST_NUMBER) throw empty();
    if (min === max && (openMin || openMax)) throw empty();
    return { kind: 'number', min, max, openMin, openMax };
  }
  const least = above !== undefined && above >= min ? Math.floor(above) + 1 : Math.ceil(min);
  const most = below !== undefined && below <= max ? Math.ceil(below) - 1 : Math.floor(max);
  const shape = { min: Math.max(least, -MOST_NUMBER), max: Math.min(most, MOST_NUMBER) };
  if (shape.min > shape.max) throw empty();
  return { kind: 'integer', ...shape };
}

function counts(
  schema: JsonSchema,
  minKeyword: string,
  maxKeyword: string,
  place: Place,
): { min: number; max: number } {
  const min = countIn(schema, minKeyword, place) ?? 0;
  const max = countIn(schema, maxKeyword, place) ?? Number.POSITIVE_INFINITY;
  if (min > max) throw refusal(place, `has a ${minKeyword} above its ${maxKeyword}`);
  if (min > MOST_COUNTED) throw refusal(inside(place, minKeyword), `asks for more than ${MOST_COUNTED}`);
  return { min, max: max > MOST_COUNTED ? Number.POSITIVE_INFINITY : max };
}

function countIn(schema: JsonSchema, keyword: string, place: Place): number | undefined {
  const value = numberIn(schema, keyword, place);
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return value;
  throw refusal(inside(place, keyword), 'needs a whole number, 0 or more');
}

function numberIn(schema: JsonSchema, keyword: string, place: Place): number | undefined {
  const value = schema[keyword];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw refusal(inside(place, keyword), 'needs a number');
}

function namesIn(schema: JsonSchema, keyword: string, place: Place): readonly string[] {
  const value = schema[keyword] ?? [];
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw refusal(inside(place, keyword), 'needs a list of names');
}
