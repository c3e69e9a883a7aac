/**
 * A value as JSON in the one form that RFC 8785 (JSON Canonicalization Scheme) gives it: no white space, keys in the
 * order of their UTF-16 code units. Keys whose value is undefined are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
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
