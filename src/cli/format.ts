import { dirname, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import type { AnswerFormat } from '../runtime/json-schema/answer-format.ts';
import { describeIssue } from '../runtime/protocol/codec.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { formatSchema } from '../runtime/protocol/format.ts';
import type { Template } from '../runtime/templates/template.ts';

/** Flags that say what form the answer has. */
export const formatFlags = {
  schema: Flags.string({
    description: 'Answer with JSON that satisfies this JSON Schema: a file, or the schema itself.',
    helpValue: 'FILE|JSON',
    helpGroup: 'OUTPUT',
  }),
  'json-mode': Flags.boolean({
    description: 'Answer with a JSON object or array.',
    helpGroup: 'OUTPUT',
  }),
};

export interface FormatFlags {
  readonly schema?: string | undefined;
  readonly 'json-mode'?: boolean | undefined;
}

/**
 * The format that the flags ask for, or else the template.
 * @throws AipgError `usage` for a schema that cannot be read; `input-invalid` for one that cannot be enforced, naming
 * the place in it
 */
export async function readFormat(flags: FormatFlags, template?: Template): Promise<AnswerFormat | undefined> {
  const format = await formatOf(flags, template);
  if (format === undefined) return undefined;
  const parsed = formatSchema.safeParse(format);
  if (!parsed.success) throw new AipgError('usage', `The schema is invalid: ${describeIssue(parsed.error)}.`);
  const { checkFormat } = await import('../runtime/json-schema/check.ts');
  return { format: parsed.data, check: checkFormat(parsed.data) };
}

async function formatOf(flags: FormatFlags, template: Template | undefined): Promise<unknown> {
  if (flags['json-mode'] === true) {
    if (flags.schema === undefined) return { type: 'json' };
    throw new AipgError('usage', '--schema says more than --json-mode, so they do not go together.', {
      hint: 'Leave out --json-mode.',
    });
  }
  if (flags.schema !== undefined) return { type: 'schema', schema: await readSchemaText(flags.schema) };
  const schema = template?.schema;
  if (template === undefined || schema === undefined) return undefined;
  if (typeof schema !== 'string') return { type: 'schema', schema };
  return { type: 'schema', schema: await readSchemaText(schema, dirname(template.path)) };
}

/** @param from where a relative path starts */
async function readSchemaText(given: string, from = '.'): Promise<unknown> {
  const inline = given.trimStart().startsWith('{');
  const text = inline ? given : await readSchemaFile(resolve(from, given), given);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AipgError('usage', `The schema ${inline ? 'given' : given} is not JSON: ${reason}.`, {
      hint: 'Give a file, or the JSON itself in single quotes: --schema \'{"type": "object"}\'',
      cause,
    });
  }
}

async function readSchemaFile(path: string, given: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
    throw new AipgError('usage', `The schema ${given} ${what}.`, {
      hint: 'Give a file, or the JSON itself in single quotes: --schema \'{"type": "object"}\'',
      cause,
    });
  }
}
