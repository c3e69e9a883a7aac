import type { JsonSchema } from '../protocol/format.ts';
import { isAnnotation } from './keywords.ts';
import { type Place, refusal } from './refusal.ts';

/** Keywords of which the stricter value holds for both. */
const LARGER = new Set(['minLength', 'minItems', 'minimum', 'exclusiveMinimum', 'minProperties']);
const SMALLER = new Set(['maxLength', 'maxItems', 'maximum', 'exclusiveMaximum', 'maxProperties']);

/**
 * One schema that says what several say together.
 * @throws AipgError `input-invalid` where they cannot be said as one
 */
export function combine(schemas: readonly JsonSchema[], place: Place): JsonSchema {
  const closed = schemas.filter(({ additionalProperties }) => additionalProperties === false);
  const combined = schemas.reduce((first, second) => combineTwo(first, second, place), {});
  for (const schema of closed) {
    const foreign = keysOf(combined['properties']).find((key) => !keysOf(schema['properties']).includes(key));
    if (foreign === undefined) continue;
    throw refusal(place, `allows no property ${JSON.stringify(foreign)} in one part and names it in another`);
  }
  return combined;
}

function combineTwo(first: JsonSchema, second: JsonSchema, place: Place): JsonSchema {
  const combined: Record<string, unknown> = { ...first };
  for (const [keyword, value] of Object.entries(second)) {
    combined[keyword] = Object.hasOwn(first, keyword)
      ? combineValues(keyword, first[keyword], value, place)
      : value;
  }
  return combined;
}

function combineValues(keyword: string, first: unknown, second: unknown, place: Place): unknown {
  if (isAnnotation(keyword)) return first;
  if (JSON.stringify(first) === JSON.stringify(second)) return first;
  if (LARGER.has(keyword)) return Math.max(Number(first), Number(second));
  if (SMALLER.has(keyword)) return Math.min(Number(first), Number(second));
  if (keyword === 'required' && Array.isArray(first) && Array.isArray(second)) {
    return [...new Set([...first, ...second])];
  }
  if (keyword === 'properties' && isObject(first) && isObject(second)) {
    const properties: Record<string, unknown> = { ...first };
    for (const [key, value] of Object.entries(second)) {
      const both = Object.hasOwn(first, key) ? { allOf: [first[key], value] } : value;
      Object.defineProperty(properties, key, {
        value: both,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return properties;
  }
  if (keyword === 'type') {
    const others = new Set([second].flat());
    const types = [first]
      .flat()
      .filter((type) => others.has(type) || (type === 'integer' && others.has('number')));
    if (others.has('integer') && [first].flat().includes('number')) types.push('integer');
    if (types.length > 0) return [...new Set(types)];
  }
  if (keyword === 'additionalProperties' && (first === false || second === false)) return false;
  throw refusal(place, `says two things by ${keyword} that cannot be said as one`);
}

export function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keysOf(value: unknown): readonly string[] {
  return isObject(value) ? Object.keys(value) : [];
}
