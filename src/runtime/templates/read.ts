import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Paths } from '../config/paths.ts';
import { didYouMean, nearest } from '../models/suggest.ts';
import { AipgError } from '../protocol/errors.ts';
import { listTemplateFiles, templatesFolder } from './folder.ts';
import { TEMPLATE_FIELDS, type Template, templateSchema } from './template.ts';

/** Largest file of a template, in bytes. */
const MAX_BYTES = 256 * 1024;

/**
 * A template by its name in the folder of templates, or by a path: what holds a slash or ends with .yaml or .yml.
 * @throws AipgError `usage` when it is not there, or telling the line of what is wrong in it
 */
export async function readTemplate(reference: string, paths: Paths): Promise<Template> {
  const path = isPath(reference) ? resolve(reference) : await pathOf(reference, paths);
  return parseTemplate(await readText(path, reference), { name: nameOf(reference), path });
}

/** @throws AipgError `usage` telling the line of what is wrong */
export function parseTemplate(
  text: string,
  { name, path }: { readonly name: string; readonly path: string },
): Template {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number | undefined) => `${path}:${lines.linePos(offset ?? 0).line || 1}`;
  const [error] = document.errors;
  if (error) throw invalid(at(error.pos[0]), `is not YAML: ${error.message}`, QUOTE_HINT);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(at(0), `is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const parsed = templateSchema.safeParse(value ?? {});
  if (parsed.success) return { ...parsed.data, name, path };
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  throw fault(issue, (fields) => at(offsetOf(document.contents, fields)));
}

const QUOTE_HINT = 'Text with {{ … }} goes in quotes or after a |, as "{{ input }}".';

function fault(issue: z.core.$ZodIssue, at: (fields: readonly PropertyKey[]) => string): AipgError {
  const field = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    return invalid(
      at([...issue.path, key]),
      `has an unknown field, ${JSON.stringify(key)}`,
      didYouMean(nearest(key, TEMPLATE_FIELDS)) ?? `The fields are ${TEMPLATE_FIELDS.join(', ')}.`,
    );
  }
  if (issue.path.length === 0) return invalid(at([]), 'is not a map of fields');
  const isText = field === 'prompt' || field === 'system';
  const hint = isText && issue.code === 'invalid_type' ? QUOTE_HINT : undefined;
  return invalid(at(issue.path), `has a fault in ${field}: ${reasonOf(issue)}`, hint);
}

/** zod writes only "Invalid input" of a union; its parts say more. */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return issue.message;
  const inner = issue.errors.flat().map(({ message }) => message);
  return [...new Set(inner)].join(' or ') || issue.message;
}

/** Where a field's name stands; the start of what is around it where the field itself is not there. */
function offsetOf(contents: Node | null, fields: readonly PropertyKey[]): number | undefined {
  let node: unknown = contents;
  let offset = contents?.range?.[0];
  for (const field of fields) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(field));
    if (!pair) break;
    offset = (pair.key as Node).range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}

function invalid(place: string, what: string, hint?: string): AipgError {
  const hints = hint === undefined ? {} : { hint };
  return new AipgError('usage', `The template ${place} ${what.replace(/\.$/, '')}.`, hints);
}

async function readText(path: string, reference: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
    throw new AipgError('usage', `The template ${reference} ${what}.`, {
      hint: 'See aipg templates.',
      cause,
    });
  }
  if (bytes.length <= MAX_BYTES) return bytes.toString('utf8');
  throw new AipgError('usage', `The template ${reference} is larger than ${MAX_BYTES} bytes.`);
}

async function pathOf(name: string, paths: Paths): Promise<string> {
  const files = await listTemplateFiles(paths);
  const file = files.find((entry) => nameOf(entry) === name);
  if (file !== undefined) return join(templatesFolder(paths), file);
  throw new AipgError('usage', `There is no template named ${name} in ${templatesFolder(paths)}.`, {
    hint:
      didYouMean(nearest(name, files.map(nameOf))) ?? 'See aipg templates, or give a path: -t ./name.yaml',
  });
}

function isPath(reference: string): boolean {
  return /[\\/]/.test(reference) || /\.ya?ml$/.test(reference);
}

/** The name that a template's file gives it. */
export function nameOf(file: string): string {
  return basename(file).replace(/\.ya?ml$/, '');
}
