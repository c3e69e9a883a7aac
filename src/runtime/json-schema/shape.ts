import type { Pattern } from './pattern.ts';

/**
 * What a schema allows, as a grammar can say it. Every text of a shape is valid by the schema, apart from the keywords
 * that are only checked afterwards.
 */
export type Shape =
  /** One of these JSON texts. */
  | { readonly kind: 'literals'; readonly texts: readonly string[] }
  /** A string of so many characters. */
  | { readonly kind: 'string'; readonly min: number; readonly max: number }
  | { readonly kind: 'pattern'; readonly pattern: Pattern }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | ({ readonly kind: 'number' } & DecimalRange)
  /** The leading items, then `min` to `max` of the others. */
  | {
      readonly kind: 'array';
      readonly leading: readonly Shape[];
      readonly items: Shape | undefined;
      readonly min: number;
      readonly max: number;
    }
  /** These properties in this order; the optional ones may be left out. */
  | { readonly kind: 'object'; readonly properties: readonly Property[] }
  /** Any keys, with values of one shape. */
  | { readonly kind: 'map'; readonly values: Shape; readonly min: number; readonly max: number }
  | { readonly kind: 'union'; readonly branches: readonly Shape[] }
  | { readonly kind: 'reference'; readonly name: string };

export interface DecimalRange {
  readonly min: number;
  readonly max: number;
  /** Whether the ends themselves are left out. */
  readonly openMin: boolean;
  readonly openMax: boolean;
}

export interface Property {
  readonly key: string;
  readonly value: Shape;
  readonly required: boolean;
}

export interface Shapes {
  readonly root: Shape;
  readonly definitions: ReadonlyMap<string, Shape>;
}

/** Largest magnitude of a number that is bounded, so that all its digits count. */
export const MOST_NUMBER = 999_999_999_999_999;

/** Name of the shape of any JSON value. */
export const ANY = 'any JSON';

/** Any JSON value; numbers have 15 digits at most. */
export const ANY_SHAPE: Shape = { kind: 'reference', name: ANY };

export const ANY_STRING: Shape = { kind: 'string', min: 0, max: Number.POSITIVE_INFINITY };
export const ANY_NUMBER: Shape = {
  kind: 'number',
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  openMin: false,
  openMax: false,
};
export const ANY_OBJECT: Shape = {
  kind: 'map',
  values: ANY_SHAPE,
  min: 0,
  max: Number.POSITIVE_INFINITY,
};
export const ANY_ARRAY: Shape = {
  kind: 'array',
  leading: [],
  items: ANY_SHAPE,
  min: 0,
  max: Number.POSITIVE_INFINITY,
};

export const ANY_DEFINITION: Shape = {
  kind: 'union',
  branches: [
    ANY_OBJECT,
    ANY_ARRAY,
    ANY_STRING,
    ANY_NUMBER,
    { kind: 'literals', texts: ['true', 'false', 'null'] },
  ],
};
