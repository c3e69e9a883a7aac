import type { JsonSchema } from '../protocol/format.ts';
import { TYPE_KEYWORDS } from './keywords.ts';
import { inside, type Place, refusal } from './refusal.ts';
import { jsonText } from './rules.ts';
import type { Shape } from './shape.ts';

/** The types that it names, or those that its keywords are about; none: any. */
export function typesOf(schema: JsonSchema, place: Place): readonly unknown[] {
  const { type } = schema;
  if (type === undefined) {
    return Object.entries(TYPE_KEYWORDS).flatMap(([name, keywords]) =>
      keywords.some((keyword) => schema[keyword] !== undefined) ? [name] : [],
    );
  }
  const types = [...new Set([type].flat())];
  if (types.length === 0) throw refusal(inside(place, 'type'), 'allows nothing');
  return types.includes('number') ? types.filter((name) => name !== 'integer') : types;
}

/** The values that it names, those of its type. */
export function literals(schema: JsonSchema, place: Place): Shape {
  const values = schema['const'] === undefined ? list(schema['enum'], 'enum', place) : [schema['const']];
  const types = schema['type'] === undefined ? undefined : typesOf(schema, place);
  const fitting = values.filter(
    (value) => types === undefined || types.some((type) => isOfType(value, type)),
  );
  if (fitting.length === 0) throw refusal(place, 'allows nothing: no value is of its type');
  return { kind: 'literals', texts: [...new Set(fitting.map(jsonText))] };
}

function isOfType(value: unknown, type: unknown): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** @throws AipgError `input-invalid` for what is no list, or an empty one */
export function list(value: unknown, keyword: string, place: Place): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw refusal(inside(place, keyword), `needs a list of one or more under ${keyword}`);
}
