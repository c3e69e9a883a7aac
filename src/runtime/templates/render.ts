import { didYouMean, nearest } from '../models/suggest.ts';
import { AipgError } from '../protocol/errors.ts';
import { substitute, variablesOf } from './substitution.ts';
import { INPUT, type Template } from './template.ts';

export interface Variable {
  readonly name: string;
  /** Absent: the user has to set it. */
  readonly default?: string;
}

/** The variables that the user can set, in the order of their first use. */
export function templateVariables({ system = '', prompt = '', defaults }: Template): readonly Variable[] {
  const names = new Set([...variablesOf(system), ...variablesOf(prompt)]);
  names.delete(INPUT);
  return [...names].map((name) => {
    const value = Object.hasOwn(defaults, name) ? defaults[name] : undefined;
    return value === undefined ? { name } : { name, default: value };
  });
}

export interface Rendered {
  readonly system: string | undefined;
  readonly prompt: string;
}

/**
 * Puts the input and the variables' values in their places. Where the prompt has no place for the input, the input is
 * its context: it comes first, then an empty line.
 * @throws AipgError `usage` for a variable that is missing or that the template does not have
 */
export function renderTemplate(
  template: Template,
  { input, values }: { readonly input: string; readonly values: Readonly<Record<string, string>> },
): Rendered {
  const variables = templateVariables(template);
  checkNames(template, variables, values);
  const { system, prompt } = template;
  const used = new Set([...variablesOf(system ?? ''), ...variablesOf(prompt ?? '')]);
  if (used.has(INPUT) && input === '') {
    throw new AipgError('usage', `The template ${template.name} needs an input, and there is none.`, {
      hint: `Give it as words, on stdin or as a file: aipg gen -t ${template.name} "…"`,
    });
  }
  const all = { ...template.defaults, ...values, [INPUT]: input };
  const written = prompt === undefined ? input : substitute(prompt, all);
  const placed = prompt === undefined || used.has(INPUT) || input === '';
  return {
    system: system === undefined ? undefined : substitute(system, all),
    prompt: placed ? written : `${input}\n\n${written}`,
  };
}

function checkNames(
  { name: template }: Template,
  variables: readonly Variable[],
  values: Readonly<Record<string, string>>,
): void {
  const names = variables.map(({ name }) => name);
  const unknown = Object.keys(values).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new AipgError('usage', `The template ${template} has no variable named ${unknown}.`, {
      hint:
        didYouMean(nearest(unknown, names)) ??
        (names.length > 0
          ? `It has: ${names.join(', ')}.`
          : `It has none: see aipg templates show ${template}`),
    });
  }
  const missing = variables.filter(
    ({ name, default: value }) => value === undefined && !Object.hasOwn(values, name),
  );
  if (missing.length === 0) return;
  const list = missing.map(({ name }) => name).join(', ');
  const set = missing.map(({ name }) => `-p ${name}=…`).join(' ');
  throw new AipgError('usage', `The template ${template} needs a value for ${list}.`, {
    hint: `Set it: aipg gen -t ${template} ${set}`,
  });
}
