/**
 * A value as JSON in the one form that RFC 8785 (JSON Canonicalization Scheme) gives it: no white space, keys in the
 * order of their UTF-16 code units. Keys whose value is undefined are left out, as JSON does. ECMAScript's own JSON is
 * that form but for the order.
 */
export function canonicalJson(value: unknown): string {
  if (isSorted(value)) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value as object)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}

/** Whether the members of all objects in a value are in the canonical order. */
export function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let before: string | undefined;
  for (const name in value) {
    if (before !== undefined && name <= before) return false;
    before = name;
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object' && !isSorted(member)) return false;
  }
  return true;
}
