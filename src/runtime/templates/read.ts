import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Paths } from '../config/paths.ts';
import { didYouMean, nearest } from '../models/suggest.ts';
import { AipgError } from '../protocol/errors.ts';
import { readYaml, type YamlFault } from '../yaml/read-yaml.ts';
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
  const read = readYaml(text, templateSchema);
  if (read.ok) return { ...read.value, name, path };
  throw invalid(read.fault, path);
}

const QUOTE_HINT = 'Text with {{ … }} goes in quotes or after a |, as "{{ input }}".';

function invalid({ kind, line, field, reason, isOfWrongType }: YamlFault, path: string): AipgError {
  const at = (what: string, hint?: string) =>
    new AipgError(
      'usage',
      `The template ${path}:${line} ${what.replace(/\.$/, '')}.`,
      hint === undefined ? {} : { hint },
    );
  if (kind === 'syntax') return at(`is not YAML: ${reason}`, QUOTE_HINT);
  if (kind === 'unknown-field') {
    return at(
      `has an unknown field, ${JSON.stringify(field)}`,
      didYouMean(nearest(field, TEMPLATE_FIELDS)) ?? `The fields are ${TEMPLATE_FIELDS.join(', ')}.`,
    );
  }
  if (field === '') return at('is not a map of fields');
  const isText = field === 'prompt' || field === 'system';
  return at(`has a fault in ${field}: ${reason}`, isText && isOfWrongType ? QUOTE_HINT : undefined);
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
