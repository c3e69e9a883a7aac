import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFormat } from '../../../src/runtime/json-schema/check.ts';
import { grammarOf } from '../../../src/runtime/json-schema/grammar.ts';
import { JsonEnd } from '../../../src/runtime/json-schema/json-end.ts';
import { decimalRange, integerRange } from '../../../src/runtime/json-schema/number-range.ts';
import { parsePattern } from '../../../src/runtime/json-schema/pattern.ts';
import { formatSchema } from '../../../src/runtime/protocol/format.ts';
import { schema } from './arbitrary.ts';

const grammar = (of: Record<string, unknown>) => grammarOf({ type: 'schema', schema: of });

/** What is said of a schema, and the next step. */
function refused(of: Record<string, unknown>): string {
  try {
    checkFormat({ type: 'schema', schema: of });
  } catch (error) {
    const { message, hint = '' } = error as { message: string; hint?: string };
    return `${message} ${hint}`;
  }
  throw new Error('It was taken.');
}

describe('a range of numbers', () => {
  /** An expression without rules is a regular one, but for its quotes and blanks. */
  const matcher = (expression: string) => {
    const source = expression
      .replace(/"([^"]*)"/g, (_, text: string) => text.replace('.', '\\.'))
      .replaceAll(' ', '');
    return (text: string) => new RegExp(`^(?:${source})$`).test(text);
  };
  const any = fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -99_999_999, max: 99_999_999 }));

  test('of integers has those and no others, none with leading zeros', () => {
    fc.assert(
      fc.property(any, any, any, (a, b, value) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const matches = matcher(integerRange(min, max));
        expect(matches(String(value))).toBe(min <= value && value <= max);
        expect(matches(String(min)) && matches(String(max))).toBe(true);
        expect(matches(`0${Math.abs(value)}`)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test('of decimals has nothing outside, and both ends unless they are left out', () => {
    const decimal = fc.integer({ min: -30_000, max: 30_000 }).map((value) => value / 100);
    fc.assert(
      fc.property(decimal, decimal, decimal, fc.boolean(), fc.boolean(), (a, b, value, openMin, openMax) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const expression = decimalRange({ min, max, openMin, openMax });
        if (expression === undefined) return;
        const matches = matcher(expression);
        for (const text of [String(value), value.toFixed(1), value.toFixed(3), `${Math.trunc(value)}`]) {
          if (!matches(text)) continue;
          expect(Number(text)).toBeGreaterThanOrEqual(min);
          expect(Number(text)).toBeLessThanOrEqual(max);
        }
        if (Number.isInteger(min) && max > min)
          expect(matches(String(min)) || matches(`${min}.0`)).toBe(!openMin);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the end of JSON', () => {
  test('is found at its last character, wherever the pieces are cut', () => {
    const json = fc
      .oneof(fc.object(), fc.array(fc.jsonValue()), fc.string())
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(json, fc.array(fc.nat(5)), (text, cuts) => {
        const end = new JsonEnd();
        let from = 0;
        for (const cut of [...cuts, text.length]) {
          const piece = text.slice(from, from + cut);
          from += cut;
          expect(end.push(piece)).toBe(from >= text.length);
          if (from >= text.length) return;
        }
      }),
    );
  });

  test('of a number is the line break behind it', () => {
    const end = new JsonEnd();
    expect([end.push('1'), end.push('2'), end.push('\n')]).toEqual([false, false, true]);
  });
});

describe('a schema', () => {
  test('of what is enforced always makes a grammar, and the same one each time', () => {
    fc.assert(
      fc.property(schema, (one) => {
        expect(grammar(one)).toBe(grammar(one));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [{ type: 'object', propertis: {} }, '"propertis", at #. It may be misspelt'],
    [{ properties: { a: { minlength: 1 } } }, '"minlength", at #/properties/a. It is written minLength.'],
    [{ type: 'string', nullable: true }, '"type": ["string", "null"]'],
    [{ properties: { a: { type: 'text' } } }, 'unknown type, "text", at #/properties/a/type'],
    [{ $ref: 'other.json' }, 'refers to "other.json", which is not a place in itself'],
    [{ $ref: '#/$defs/a' }, 'refers to #/$defs/a, which is not there'],
    [
      { type: 'string', format: 'phone' },
      'format that is not supported, "phone", at #/format. Supported are date,',
    ],
    [{ type: 'integer', minimum: 2, maximum: 1 }, 'allows no number, at #'],
    [{ type: 'array', minItems: 3, maxItems: 2 }, 'minItems above its maxItems'],
    [{ type: 'array', minItems: 5_000 }, 'asks for more than 1000, at #/minItems'],
    [{ enum: [] }, 'needs a list of one or more under enum'],
    [{ type: 'string', enum: [1] }, 'no value is of its type'],
    [{ allOf: [{ type: 'string' }, { type: 'null' }] }, 'says two things by type'],
    [
      { allOf: [{ properties: { a: {} }, additionalProperties: false }, { properties: { b: {} } }] },
      'no property "b"',
    ],
    [{ anyOf: [{ $ref: '#' }] }, 'begins with itself'],
    [{ allOf: [{ $ref: '#' }] }, 'refers to itself'],
    [{ properties: { a: { $ref: '#' } }, required: ['a'] }, 'has no end'],
    [{ type: 'object', properties: [] }, 'needs an object of properties'],
    [{ type: 'string', pattern: '(' }, 'is not valid'],
    [{ minimum: 'x' }, 'needs a number, at #/minimum'],
    [{ properties: { 'a/b': false }, required: ['a/b'] }, 'allows nothing, at #/properties/a~1b'],
  ])('is refused with its place: %j', (one, message) => {
    expect(refused(one as Record<string, unknown>)).toContain(message);
  });

  test('is checked afterwards for what a grammar cannot say', () => {
    const check = checkFormat({ type: 'schema', schema: { type: 'array', uniqueItems: true } });
    expect(check('[1,2]')).toBeUndefined();
    expect(check('[1,1]')).toMatch(/^does not satisfy uniqueItems/);
    expect(check('[1')).toBe('is not whole JSON');
    expect(checkFormat({ type: 'json' })('1')).toMatch('neither');
  });

  test('may be of an older draft', () => {
    const draft = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'array',
      items: [{ type: 'null' }],
    };
    expect(checkFormat({ type: 'schema', schema: draft })('[null]')).toBeUndefined();
  });
});

describe('a pattern', () => {
  test.each(['^a+$', 'abc', '^[^"]{2}\\.\\d$', '^(?:a|b)?c$', '^(?<year>\\d{4})$', '\\$'])(
    '%s is taken',
    (source) => {
      expect(parsePattern(source)).toBeDefined();
    },
  );

  // Each would need more than a grammar of bounded cost.
  test.each([
    '(?=a)',
    '(a)\\1',
    '\\bx',
    '^(a*)*$',
    '(a?){20}',
    '^a|b$',
    '((a{50}){50}){50}',
    'a{1,9999}',
    '\\p{L}',
    '^\\0$',
    'a$b',
  ])('%s is left to the check', (source) => {
    expect(parsePattern(source)).toBeUndefined();
  });
});

describe('a schema made to do harm', () => {
  let leaves = 0;
  const nest = (depth: number): Record<string, unknown> =>
    depth === 0 ? { type: 'string', maxLength: ++leaves } : { anyOf: [nest(depth - 1), nest(depth - 1)] };
  const chain = (length: number, body: (next: object) => object) => ({
    $ref: '#/$defs/0',
    $defs: Object.fromEntries(
      Array.from({ length }, (_, index) => [
        index,
        index + 1 === length ? { type: 'null' } : body({ $ref: `#/$defs/${index + 1}` }),
      ]),
    ),
  });
  const alike = (depth: number): object =>
    depth === 0
      ? { type: 'object', properties: { a: { type: 'string' } } }
      : {
          anyOf: ['x', 'y'].map((end) => ({
            properties: { a: alike(depth - 1), [end]: {} },
            required: ['a'],
          })),
        };

  test.each<[string, object]>([
    ['nested unions', nest(9)],
    ['alternatives that begin alike, nested', alike(9)],
    [
      'alternatives that begin alike, without end',
      {
        anyOf: ['x', 'y'].map((end) => ({
          type: 'object',
          properties: { a: { anyOf: [{ $ref: '#' }, { type: 'null' }] }, [end]: { type: 'null' } },
          required: ['a', end],
        })),
      },
    ],
    [
      'a chain that doubles',
      chain(40, (next) => ({ type: 'array', prefixItems: [next, next], items: false, minItems: 2 })),
    ],
    ['a long chain', chain(1_000, (next) => next)],
    [
      'large counts in large counts',
      {
        type: 'array',
        minItems: 900,
        items: { type: 'array', minItems: 900, items: { type: 'string', minLength: 900 } },
      },
    ],
    [
      'many counted strings',
      {
        properties: Object.fromEntries(
          Array.from({ length: 60 }, (_, index) => [index, { type: 'string', maxLength: 999 - index }]),
        ),
      },
    ],
    [
      'unions times unions',
      {
        anyOf: Array.from({ length: 90 }, (_, index) => ({ title: `${index}` })),
        oneOf: Array.from({ length: 90 }, (_, index) => ({ title: `${index}` })),
      },
    ],
  ])('is refused at once: %s', (_, one) => {
    const startedAt = performance.now();
    expect(refused(one as Record<string, unknown>)).toMatch(/^The schema /);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('does not travel when it is too deep or too large', () => {
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 1_000; level++) deep = { not: deep };
    const parse = (one: object) => formatSchema.safeParse({ type: 'schema', schema: one });
    expect(parse(deep).error?.issues[0]?.message).toContain('deeper than 64');
    expect(parse({ description: 'x'.repeat(70_000) }).error?.issues[0]?.message).toContain(
      'larger than 65536',
    );
    expect(parse({ type: 'object' }).success).toBe(true);
    expect(formatSchema.safeParse({ type: 'schema', schema: [] }).success).toBe(false);
  });

  test('with thousands of values is taken, what they have in common once', () => {
    const values = Array.from({ length: 3_000 }, (_, index) => `value-${index}`);
    const startedAt = performance.now();
    expect(grammar({ enum: values }).length).toBeLessThan(100_000);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
