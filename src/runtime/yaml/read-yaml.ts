import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';

/** What is wrong in a file. */
export interface YamlFault {
  /** `syntax`: it is no YAML; `unknown-field`: the schema has none of that name; `value`: what a field holds. */
  readonly kind: 'syntax' | 'unknown-field' | 'value';
  /** From 1. */
  readonly line: number;
  /** The field with those around it, as `sampling.topK`; of an unknown one its own name; empty for the whole. */
  readonly field: string;
  readonly reason: string;
  /** Whether a field holds another type of value than it should. */
  readonly isOfWrongType: boolean;
}

export type YamlRead<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: YamlFault };

/** Parses YAML by a schema; an empty text is an empty map. Never throws: what is wrong is a value. */
export function readYaml<T extends z.ZodType>(text: string, schema: T): YamlRead<z.infer<T>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const lineAt = (offset: number | undefined) => lines.linePos(offset ?? 0).line || 1;
  const noYaml = (line: number, reason: string) => faulty({ kind: 'syntax', line, field: '', reason });
  const [error] = document.errors;
  if (error) return noYaml(lineAt(error.pos[0]), error.message);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    return noYaml(1, cause instanceof Error ? cause.message : String(cause));
  }
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const lineOf = (fields: readonly PropertyKey[]) => lineAt(offsetOf(document.contents, fields));
  if (issue.code === 'unrecognized_keys') {
    const field = issue.keys[0] ?? '';
    const line = lineOf([...issue.path, field]);
    return faulty({ kind: 'unknown-field', line, field, reason: issue.message });
  }
  return faulty({
    kind: 'value',
    line: lineOf(issue.path),
    field: issue.path.map(String).join('.'),
    reason: reasonOf(issue),
    isOfWrongType: issue.code === 'invalid_type',
  });
}

function faulty(fault: Omit<YamlFault, 'isOfWrongType'> & { readonly isOfWrongType?: boolean }) {
  return { ok: false, fault: { isOfWrongType: false, ...fault } } as const;
}

/** zod writes only "Invalid input" of a union; its parts say more. */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return issue.message;
  const inner = issue.errors.flat().map(({ message }) => message);
  return [...new Set(inner)].join(' or ') || issue.message;
}

/** Where a field's name, or an item of a list, stands; the start of what is around it where it is not there itself. */
function offsetOf(contents: Node | null, fields: readonly PropertyKey[]): number | undefined {
  let node: unknown = contents;
  let offset = contents?.range?.[0];
  for (const field of fields) {
    if (isSeq(node)) {
      node = node.items[Number(field)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
      continue;
    }
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(field));
    if (!pair) break;
    offset = (pair.key as Node).range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}
