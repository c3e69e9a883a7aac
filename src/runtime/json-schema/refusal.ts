import { AipgError } from '../protocol/errors.ts';

/** A JSON Pointer into the schema, such as `#/properties/age`. */
export type Place = `#${string}`;

export function inside(place: Place, ...keys: readonly (string | number)[]): Place {
  return `${place}${keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`;
}

/** What is said of a schema that no grammar can be made of. @param what follows the place: `has an unknown keyword` */
export function refusal(place: Place, what: string, hint?: string): AipgError {
  return new AipgError(
    'input-invalid',
    `The schema ${what}, at ${place}.`,
    hint === undefined ? {} : { hint },
  );
}
