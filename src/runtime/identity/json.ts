/** As files that a person may read. */
export function stringifyJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** `undefined` for what is not JSON: a schema refuses it in words of its own. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
