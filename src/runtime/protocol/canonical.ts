/**
 * A value as JSON in the one form that RFC 8785 (JSON Canonicalization Scheme) gives it: no white space, keys in the
 * order of their UTF-16 code units. Keys whose value is undefined are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  // ECMAScript's own JSON is that form but for the order.
  if (typeof value !== 'object' || value === null || isSorted(value)) return JSON.stringify(value) ?? 'null';
  // Built up in place: a director does this several times for each job.
  let members = '';
  if (Array.isArray(value)) {
    for (const inner of value) members += `${members && ','}${canonicalJson(inner)}`;
    return `[${members}]`;
  }
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record).sort()) {
    if (record[key] === undefined) continue;
    members += `${members && ','}${JSON.stringify(key)}:${canonicalJson(record[key])}`;
  }
  return `{${members}}`;
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
