const PART = /^(?<stem>.+)-(?<index>\d{5})-of-(?<count>\d{5})\.gguf$/i;
/** Vision projectors and importance matrices are GGUF files too, but no models. */
const COMPANION = /mmproj|^imatrix|imatrix\.gguf$/i;
const MAX_PARTS = 999;

/** One file of a model that was split into several. */
export interface SplitPart {
  /** The path without the part's number and the extension. */
  readonly stem: string;
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** @returns undefined when the file is a whole model */
export function splitPartOf(path: string): SplitPart | undefined {
  const { stem, index, count } = PART.exec(path)?.groups ?? {};
  if (stem === undefined || Number(count) > MAX_PARTS) return undefined;
  return { stem, index: Number(index), count: Number(count) };
}

/** The paths of all parts of a split model, in order; of a whole one, its own path alone. */
export function partsOf(path: string): readonly string[] {
  const part = splitPartOf(path);
  if (!part) return [path];
  const extension = path.slice(-'.gguf'.length);
  const pad = (n: number) => String(n).padStart(5, '0');
  return Array.from(
    { length: part.count },
    (_, i) => `${part.stem}-${pad(i + 1)}-of-${pad(part.count)}${extension}`,
  );
}

/** Whether a path in a repository can be loaded as a model: a whole GGUF model, or the first part of a split one. */
export function isModelPath(path: string): boolean {
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (!/\.gguf$/i.test(base) || COMPANION.test(base)) return false;
  return (splitPartOf(path)?.index ?? 1) === 1;
}
