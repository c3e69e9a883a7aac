import { z } from 'zod';

/** Letters, digits, `_` and `-`, not starting with a digit or `-`. */
export const variableNameSchema = z
  .string()
  .max(64)
  .regex(
    /^[A-Za-z_][A-Za-z0-9_-]*$/,
    'a variable is named by letters, digits, "_" and "-", and does not start with a digit',
  );

/** A piece of a text with variables. */
export type Part = { readonly text: string } | { readonly variable: string };

export type ParsedText =
  | { readonly ok: true; readonly parts: readonly Part[] }
  | { readonly ok: false; readonly reason: string };

const MARK = /\\\{\{|\{\{([^{}]*)\}\}|\{\{/g;

/** Reads `{{ name }}` as a variable and `\{{` as the two characters themselves. There is nothing else to it. */
export function parseText(text: string): ParsedText {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(MARK)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    from = match.index + match[0].length;
    if (match[0].startsWith('\\')) {
      parts.push({ text: '{{' });
      continue;
    }
    const variable = variableNameSchema.safeParse(match[1]?.trim());
    if (!variable.success) {
      const mark = JSON.stringify(text.slice(match.index, match.index + 24).split('\n')[0]);
      return {
        ok: false,
        reason: `${mark} is not a variable such as {{ name }}; write \\{{ for the characters`,
      };
    }
    parts.push({ variable: variable.data });
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return { ok: true, parts };
}

/** The variables of a text, each once, in the order of their first use. */
export function variablesOf(text: string): readonly string[] {
  const parsed = parseText(text);
  if (!parsed.ok) return [];
  return [...new Set(parsed.parts.flatMap((part) => ('variable' in part ? [part.variable] : [])))];
}

/** The text with its variables' values in place. A value is text: nothing in it is ever substituted. */
export function substitute(text: string, values: Readonly<Record<string, string>>): string {
  const parsed = parseText(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.parts
    .map((part) => {
      if ('text' in part) return part.text;
      const value = Object.hasOwn(values, part.variable) ? values[part.variable] : undefined;
      if (value === undefined) throw new Error(`The variable ${part.variable} has no value.`);
      return value;
    })
    .join('');
}
