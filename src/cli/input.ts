import { Flags } from '@oclif/core';
import type { Paths } from '../runtime/config/paths.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import type { Template } from '../runtime/templates/template.ts';
import { composePrompt, joinPrompt, notEmpty, readStdin } from './prompt.ts';
import type { TextFlags } from './text-job.ts';

/** Flags that say what the prompt is made of. */
export const inputFlags = {
  file: Flags.string({
    char: 'f',
    description: 'Put a file in the prompt, with its name; a pattern such as "src/**/*.ts" or - for stdin.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'FILE',
    helpGroup: 'INPUT',
  }),
  template: Flags.string({
    char: 't',
    description: 'Prompt, parameters and model from a template; see `aipg templates`.',
    helpValue: 'NAME|FILE',
    helpGroup: 'INPUT',
  }),
  param: Flags.string({
    char: 'p',
    description: 'Set a variable of the template; may be repeated.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME=VALUE',
    helpGroup: 'INPUT',
  }),
};

export interface InputFlags extends TextFlags {
  readonly file?: readonly string[] | undefined;
  readonly template?: string | undefined;
  readonly param?: readonly string[] | undefined;
  readonly model?: string | undefined;
}

export interface Input<T> {
  readonly prompt: string;
  /** The flags, with those of the template where the user gave none. */
  readonly flags: T;
  readonly template: Template | undefined;
}

export interface ReadInputOptions {
  readonly paths: Paths;
  readonly signal: AbortSignal;
  /** What neither the flags nor the template say, as a conversation has kept it. */
  readonly kept?: Partial<InputFlags>;
}

/**
 * The prompt, from files, stdin, words and a template, in this order.
 * @throws AipgError `usage` for a file or template that is not there or does not fit; `input-invalid` for a prompt that
 * is empty, binary or too large
 */
export async function readInput<T extends InputFlags>(
  words: readonly string[],
  flags: T,
  { paths, signal, kept = {} }: ReadInputOptions,
): Promise<Input<T>> {
  const template = flags.template === undefined ? undefined : await loadTemplate(flags.template, paths);
  const values = parseParams(flags.param ?? []);
  if (template === undefined && flags.param !== undefined) {
    throw new AipgError('usage', '-p sets a variable of a template, and there is none.', {
      hint: 'Name one: aipg gen -t NAME -p name=value',
    });
  }
  const names = flags.file ?? [];
  const asFile = names.includes('-');
  if (asFile && words.includes('-')) {
    throw new AipgError('usage', 'stdin can stand in one place only, and -f - and the word - both name it.', {
      hint: 'Leave one of them out.',
    });
  }
  const stdin = await readStdin({ wanted: asFile || words.includes('-'), signal });
  const files = names.length === 0 ? [] : await fileBlocks(names, stdin, signal);
  const sources = { words, stdin: asFile ? undefined : stdin, files };
  if (template === undefined)
    return { prompt: composePrompt(sources), flags: { ...kept, ...flags }, template };
  const { renderTemplate } = await import('../runtime/templates/render.ts');
  const rendered = renderTemplate(template, { input: joinPrompt(sources), values });
  return {
    prompt: notEmpty(rendered.prompt),
    flags: { ...kept, ...defined(underFlags(flags, template, rendered.system)) },
    template,
  };
}

async function loadTemplate(reference: string, paths: Paths): Promise<Template> {
  const { readTemplate } = await import('../runtime/templates/read.ts');
  return await readTemplate(reference, paths);
}

async function fileBlocks(
  names: readonly string[],
  stdin: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { fileBlock, readInputFiles } = await import('./input-files.ts');
  return (await readInputFiles(names, { stdin, signal })).map(fileBlock);
}

/** Flags win over the template. */
function underFlags<T extends InputFlags>(flags: T, template: Template, system: string | undefined): T {
  return {
    ...flags,
    model: flags.model ?? template.model,
    system: flags.system ?? system,
    temperature: flags.temperature ?? template.temperature,
    'top-k': flags['top-k'] ?? template.topK,
    'top-p': flags['top-p'] ?? template.topP,
    'min-p': flags['min-p'] ?? template.minP,
    'repeat-penalty': flags['repeat-penalty'] ?? template.repeatPenalty,
    'max-tokens': flags['max-tokens'] ?? template.maxTokens,
    stop: flags.stop ?? template.stop,
  };
}

/** Without what says nothing, so that it hides nothing that was said before. */
function defined<T extends object>(flags: T): T {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as T;
}

/** @throws AipgError `usage` for what is not NAME=VALUE */
function parseParams(params: readonly string[]): Record<string, string> {
  const values = Object.create(null) as Record<string, string>;
  for (const param of params) {
    const equals = param.indexOf('=');
    if (equals < 1) {
      throw new AipgError('usage', `-p takes NAME=VALUE, not ${JSON.stringify(param)}.`, {
        hint: 'For example: -p language=French',
      });
    }
    values[param.slice(0, equals)] = param.slice(equals + 1);
  }
  return values;
}
