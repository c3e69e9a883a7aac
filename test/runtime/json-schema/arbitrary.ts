import fc from 'fast-check';
import { MOST_WIDTH, width } from '../../../src/runtime/json-schema/bounds.ts';
import { readSchema } from '../../../src/runtime/json-schema/read-schema.ts';

type Schema = Record<string, unknown>;

/** Without quotes and backslashes: JSON.parse of Node 24.21 (V8 13.6) takes such keys for one another now and then. */
const key = fc.constantFrom('name', 'age', 'a', 'b c', 'ключ', '{}', '🦊');

const text: fc.Arbitrary<Schema> = fc.oneof(
  fc
    .nat(8)
    .chain((min) => fc.nat(8).map((more) => ({ type: 'string', minLength: min, maxLength: min + more }))),
  fc.constantFrom('date', 'time', 'date-time', 'uuid', 'ipv4').map((format) => ({ type: 'string', format })),
  fc
    .constantFrom(
      '^[A-Z]{2,4}$',
      '^(foo|bar)-\\d+$'.replace('+', '{1,5}'),
      '^[^a-z]{3}$',
      '^\\w{1,6}(, \\w{1,6}){0,2}$',
      '^"\\\\.$',
    )
    .map((pattern) => ({ type: 'string', pattern })),
);

const bound = fc.integer({ min: -2_000, max: 2_000 });
const number: fc.Arbitrary<Schema> = fc.oneof(
  fc
    .tuple(bound, fc.nat(3_000))
    .map(([minimum, more]) => ({ type: 'integer', minimum, maximum: minimum + more })),
  fc.tuple(bound, fc.integer({ min: 1, max: 300 })).map(([low, more]) => ({
    type: 'number',
    minimum: low / 10,
    maximum: (low + more) / 10,
  })),
  fc.tuple(bound, fc.integer({ min: 2, max: 50 })).map(([low, more]) => ({
    type: 'number',
    exclusiveMinimum: low,
    exclusiveMaximum: low + more,
  })),
  bound.map((exclusiveMinimum) => ({
    type: 'integer',
    exclusiveMinimum,
    exclusiveMaximum: exclusiveMinimum + 9,
  })),
  fc.constant({ type: ['number', 'null'] }),
);

const value: fc.Arbitrary<Schema> = fc.oneof(
  fc.constantFrom({ type: 'boolean' }, { type: 'null' }),
  fc
    .uniqueArray(fc.jsonValue({ maxDepth: 1 }), {
      minLength: 1,
      maxLength: 5,
      comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b),
    })
    .map((values) => ({ enum: values })),
  fc.jsonValue({ maxDepth: 2 }).map((only) => ({ const: only })),
);

/** Schemas of what is enforced, all of whose answers are short. */
export const schema: fc.Arbitrary<Schema> = fc
  .letrec<{ any: Schema }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      text,
      number,
      value,
      fc
        .tuple(
          fc.uniqueArray(key, { maxLength: 4 }),
          fc.array(tie('any'), { minLength: 4, maxLength: 4 }),
          fc.nat(15),
        )
        .map(([keys, values, required]) => ({
          type: 'object',
          properties: Object.fromEntries(keys.map((name, index) => [name, values[index]])),
          required: keys.filter((_, index) => (required >> index) % 2 === 1),
          additionalProperties: false,
        })),
      fc
        .tuple(tie('any'), fc.nat(2), fc.nat(2))
        .map(([items, minItems, more]) => ({ type: 'array', items, minItems, maxItems: minItems + more })),
      fc
        .array(tie('any'), { minLength: 1, maxLength: 3 })
        .map((prefixItems) => ({ type: 'array', prefixItems, items: false })),
      fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
      fc
        .tuple(tie('any'), fc.constantFrom('title', 'description'))
        .map(([inner, name]) => ({ ...inner, [name]: 'x' })),
    ),
  }))
  .any.chain((root) =>
    fc.constantFrom<Schema>(
      root,
      { $defs: { one: root }, $ref: '#/$defs/one' },
      {
        $defs: {
          list: {
            type: 'object',
            properties: { head: root, rest: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/list' }] } },
            required: ['head', 'rest'],
          },
        },
        type: 'object',
        properties: { list: { $ref: '#/$defs/list' } },
        required: ['list'],
      },
      { allOf: [{ type: 'object', properties: { x: root } }, { required: ['x'] }] },
    ),
  )
  // Alternatives of several formats of strings begin alike, and are refused for it.
  .filter((one) => width(readSchema(one)) <= MOST_WIDTH);
