import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readCache, writeCache } from '../cache/json-cache.ts';
import { AipgError } from '../protocol/errors.ts';
import { countSchema } from '../protocol/numbers.ts';
import { fileSource } from './byte-source.ts';
import { type GgufHeader, readGgufHeader } from './gguf-header.ts';
import { factsOf, type HeaderFacts, headerFactsSchema } from './header-facts.ts';

/** Most models whose facts are remembered; the first read are forgotten first. */
const MAX_ENTRIES = 1_000;
/** Files that are read at a time. */
const AT_ONCE = 8;

const entrySchema = z.object({
  path: z.string(),
  bytes: countSchema,
  mtimeMs: z.number(),
  facts: headerFactsSchema,
});
type Entry = z.infer<typeof entrySchema>;
const memorySchema = z.array(entrySchema).max(MAX_ENTRIES);

/** The size of a model's parts, and what their headers say: undefined where they cannot be read. */
export interface FileFacts {
  readonly bytes: number;
  readonly facts: HeaderFacts | undefined;
}

/**
 * The facts of many models at once, each given by the paths of its parts. Headers are read only of files that are new
 * or have changed: what was read before is remembered by path, size and time of change.
 * @param cacheDir holds the memory, `model-facts.json`
 */
export async function readManyFacts(
  models: readonly (readonly string[])[],
  cacheDir: string,
): Promise<readonly FileFacts[]> {
  const memory = join(cacheDir, 'model-facts.json');
  const known = new Map((await recall(memory)).map((entry) => [keyOf(entry), entry]));
  const fresh: Entry[] = [];
  const results: FileFacts[] = [];
  const waiting = [...models.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, parts] = next;
      const found = await readFactsOf(parts, known);
      results[index] = found;
      if (found.fresh) fresh.push(found.fresh);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (fresh.length > 0) await remember(memory, fresh, known);
  return results.map(({ bytes, facts }) => ({ bytes, facts }));
}

/** The headers of a model's parts. @throws AipgError `model-invalid`; the file system's error */
export async function readHeaders(parts: readonly string[]): Promise<[GgufHeader, ...GgufHeader[]]> {
  const headers: GgufHeader[] = [];
  for (const part of parts) {
    await using source = await fileSource(part);
    headers.push(await readGgufHeader(source));
  }
  return headers as [GgufHeader, ...GgufHeader[]];
}

async function readFactsOf(
  parts: readonly string[],
  known: ReadonlyMap<string, Entry>,
): Promise<FileFacts & { readonly fresh?: Entry }> {
  try {
    const path = await realpath(parts[0] ?? '');
    const stats = await Promise.all(parts.map((part) => stat(part)));
    const bytes = stats.reduce((sum, { size }) => sum + size, 0);
    const mtimeMs = Math.max(...stats.map((part) => part.mtimeMs));
    const before = known.get(keyOf({ path, bytes, mtimeMs }));
    if (before) return { bytes, facts: before.facts };
    const facts = await readHeaders(parts).then(
      (headers) => factsOf(path, headers),
      (error: unknown) => {
        if (error instanceof AipgError) return undefined;
        throw error;
      },
    );
    return facts ? { bytes, facts, fresh: { path, bytes, mtimeMs, facts } } : { bytes, facts };
  } catch {
    // Removed in the meantime, or not readable for this user.
    return { bytes: 0, facts: undefined };
  }
}

function keyOf({ path, bytes, mtimeMs }: Omit<Entry, 'facts'>): string {
  return `${bytes} ${mtimeMs} ${path}`;
}

/** What is remembered; nothing when the file is missing or is not what we write. */
async function recall(memory: string): Promise<Entry[]> {
  return (await readCache(memory, memorySchema)) ?? [];
}

async function remember(
  memory: string,
  fresh: readonly Entry[],
  known: ReadonlyMap<string, Entry>,
): Promise<void> {
  const paths = new Set(fresh.map(({ path }) => path));
  const others = [...known.values()].filter(({ path }) => !paths.has(path));
  await writeCache(memory, [...fresh, ...others].slice(0, MAX_ENTRIES));
}
