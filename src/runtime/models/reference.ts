import { AipgError } from '../protocol/errors.ts';
import { type ModelName, modelNameSchema } from '../protocol/model.ts';
import { hubModelName } from './names.ts';

/** How a user names a model, before it is looked for. */
export type ModelReference = BundledReference | PathReference | HubReference | NameReference;

/** The tiny model that comes with the package. */
export interface BundledReference {
  readonly form: 'bundled';
}
/** A GGUF file of this machine. */
export interface PathReference {
  readonly form: 'path';
  readonly path: string;
}
/** A file of a repository of the Hugging Face hub: at most one of `quant` and `file` is there. */
export interface HubReference {
  readonly form: 'hub';
  readonly org: string;
  readonly repo: string;
  /** In upper case. */
  readonly quant?: string;
  /** Path within the repository, with `/`. */
  readonly file?: string;
}
/** The name, or a part of the name, of a model in the cache. */
export interface NameReference {
  readonly form: 'name';
  readonly name: string;
}

export const BUNDLED_NAME = 'aipg-tiny';
const EXAMPLE = 'hf:org/repo:Q4_K_M';
const MAX_PATH = 4_096;
const MAX_FILE = 512;

/** @throws AipgError `usage` that says what is wrong with the reference */
export function parseModelReference(text: string = BUNDLED_NAME): ModelReference {
  if (text === BUNDLED_NAME) return { form: 'bundled' };
  if (text.trim() === '') throw invalid(text, 'it is empty');
  if (text !== text.trim()) throw invalid(text, 'it starts or ends with a space');
  if (!text.isWellFormed() || /\p{Cc}/u.test(text)) throw invalid(text, 'it has control characters');
  if (/^hf:/i.test(text)) return parseHub(text);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) throw invalid(text, 'it is a URL');
  if (/\.gguf$/i.test(text) || /^(?:\.{0,2}|~)[/\\]/.test(text)) {
    if (Buffer.byteLength(text) > MAX_PATH) throw invalid(text, `it is longer than ${MAX_PATH} bytes`);
    return { form: 'path', path: text };
  }
  const name = modelNameSchema.safeParse(text);
  if (!name.success) throw invalid(text, `it ${name.error.issues[0]?.message ?? 'is no name'}`);
  return { form: 'name', name: text };
}

/** The text that parses to this reference. */
export function formatModelReference(reference: ModelReference): string {
  switch (reference.form) {
    case 'bundled':
      return BUNDLED_NAME;
    case 'path':
      return reference.path;
    case 'name':
      return reference.name;
    case 'hub': {
      const selector = reference.file ?? reference.quant;
      return `hf:${reference.org}/${reference.repo}${selector === undefined ? '' : `:${selector}`}`;
    }
  }
}

/**
 * The name by which a grid knows the model. Where a reference to the hub leaves the quant open it is a part of that
 * name. A path has a name on its own machine only.
 */
export function gridModelName(reference: Exclude<ModelReference, PathReference>): ModelName {
  switch (reference.form) {
    case 'bundled':
      return modelNameSchema.parse(BUNDLED_NAME);
    case 'name':
      return modelNameSchema.parse(reference.name);
    case 'hub': {
      const { org, repo, file, quant } = reference;
      if (file !== undefined) return hubModelName(`${org}/${repo}`, file);
      return modelNameSchema.parse(quant === undefined ? `${org}/${repo}` : `${org}/${repo}:${quant}`);
    }
  }
}

function parseHub(text: string): HubReference {
  const rest = text.slice('hf:'.length);
  const colon = rest.indexOf(':');
  const id = colon < 0 ? rest : rest.slice(0, colon);
  const selector = colon < 0 ? undefined : rest.slice(colon + 1);
  const [org, repo, ...more] = id.split('/');
  if (!org || !repo) throw invalid(text, 'a model of the hub has an organisation and a repository');
  if (more.length > 0) {
    throw invalid(text, `the file follows a colon, as in hf:${org}/${repo}:${more.join('/') || 'file.gguf'}`);
  }
  for (const [what, name] of [
    ['organisation', org],
    ['repository', repo],
  ] as const) {
    const problem = hubNameProblem(name);
    if (problem) throw invalid(text, `its ${what} ${problem}`);
  }
  if (selector === undefined) return { form: 'hub', org, repo };
  if (/\.gguf$/i.test(selector)) {
    const problem = filePathProblem(selector);
    if (problem) throw invalid(text, `its file ${problem}`);
    return { form: 'hub', org, repo, file: selector };
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(selector)) {
    throw invalid(
      text,
      'what follows the repository is a quant such as Q4_K_M, or a file that ends in .gguf',
    );
  }
  return { form: 'hub', org, repo, quant: selector.toUpperCase() };
}

/** The hub's own rules for names (huggingface_hub, `validate_repo_id`). */
function hubNameProblem(name: string): string | undefined {
  if (name.length > 96) return 'is longer than 96 characters';
  if (!/^[\w.-]+$/.test(name)) return 'has other characters than letters, digits, "-", "_" and "."';
  if (/^[-.]|[-.]$/.test(name)) return 'starts or ends with "-" or "."';
  if (/--|\.\./.test(name)) return 'has "--" or ".."';
  if (/\.git$/.test(name)) return 'ends with ".git"';
  return undefined;
}

function filePathProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_FILE) return `is longer than ${MAX_FILE} bytes`;
  if (/[\\:]/.test(path)) return 'has a backslash or a colon';
  const segments = path.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return 'is no plain path within the repository';
  }
  return undefined;
}

function invalid(text: string, what: string): AipgError {
  const shown = text.length > 80 ? `${text.slice(0, 79).toWellFormed()}…` : text.toWellFormed();
  return new AipgError('usage', `${JSON.stringify(shown)} is no model reference: ${what}.`, {
    hint: `Give ${BUNDLED_NAME}, a path such as ./model.gguf, a name in the cache, or ${EXAMPLE}.`,
  });
}
