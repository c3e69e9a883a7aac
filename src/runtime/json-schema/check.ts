import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Format, JsonSchema } from '../protocol/format.ts';
import { grammarOf } from './grammar.ts';
import { refusal } from './refusal.ts';

const OLDER_DRAFT = /^https?:\/\/json-schema\.org\/draft-0[67]\//;

/** What is wrong with an answer, as the end of a sentence; undefined when nothing is. */
export type Check = (text: string) => string | undefined;

/**
 * Makes sure that a format can be enforced, and returns what checks an answer against all of it.
 * @throws AipgError `input-invalid` naming the place of what is wrong or not supported
 */
export function checkFormat(format: Format): Check {
  grammarOf(format);
  const validate = format.type === 'schema' ? validator(format.schema) : undefined;
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return 'is not whole JSON';
    }
    if (format.type === 'json') {
      return typeof value === 'object' && value !== null ? undefined : 'is neither an object nor an array';
    }
    if (validate === undefined || validate(value)) return undefined;
    // Of a union every branch complains; the one that came furthest says most.
    const error = validate.errors?.reduce((furthest, one) =>
      one.instancePath.length > furthest.instancePath.length ? one : furthest,
    );
    const place = error?.instancePath ? ` at ${error.instancePath}` : '';
    return `does not satisfy ${error?.keyword ?? 'the schema'}${place}: ${error?.message ?? 'it is invalid'}`;
  };
}

function validator(schema: JsonSchema) {
  // The grammar sees to formats, and unknown keywords have been refused.
  const options = { strict: false, validateFormats: false, logger: false, addUsedSchema: false } as const;
  const { $schema, ...rest } = schema;
  const older = typeof $schema === 'string' && OLDER_DRAFT.test($schema);
  try {
    return (older ? new Ajv(options) : new Ajv2020(options)).compile(rest);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refusal(
      '#',
      `is not valid (${reason.replace(/^schema is invalid: data/, 'it').replace(/\.$/, '')})`,
    );
  }
}
