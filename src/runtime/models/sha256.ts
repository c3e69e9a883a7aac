import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { readCache, writeCache } from '../cache/json-cache.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Sha256, sha256Schema } from '../protocol/model.ts';

/** Most files whose hash is remembered; the first hashed are forgotten first. */
const MAX_ENTRIES = 500;

const entrySchema = z.object({
  path: z.string(),
  size: z.number().int().nonnegative(),
  mtimeMs: z.number(),
  sha256: sha256Schema,
});
type Entry = z.infer<typeof entrySchema>;
const memorySchema = z.array(entrySchema).max(MAX_ENTRIES);

export interface HashOptions {
  /** Holds the memory, `sha256.json`. */
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The sha256 of a file, remembered for as long as its path, size and time of change stay the same.
 * @throws AipgError `cancelled`
 */
export async function sha256Of(file: string, { cacheDir, signal }: HashOptions): Promise<Sha256> {
  const path = await realpath(file);
  const before = await keyOf(path);
  const memory = join(cacheDir, 'sha256.json');
  const known = (await recall(memory)).find((entry) => isSame(entry, before));
  if (known) return known.sha256;
  const sha256 = await hash(path, signal);
  // A file that is being written would be remembered by a hash that it no longer has.
  if (isSame(await keyOf(path), before)) await remember(memory, { ...before, sha256 });
  return sha256;
}

/** The remembered hashes of files that are as they were when they were hashed, by their real paths. */
export async function knownFiles(cacheDir: string): Promise<ReadonlyMap<string, Sha256>> {
  const entries = await recall(join(cacheDir, 'sha256.json'));
  const current = await Promise.all(
    entries.map(async (entry) => isSame(entry, await keyOf(entry.path).catch(() => GONE))),
  );
  return new Map(entries.flatMap((entry, index) => (current[index] ? [[entry.path, entry.sha256]] : [])));
}

const GONE = { path: '', size: 0, mtimeMs: 0 };

/** What identifies a model in several files: the file's own hash for one, else the hash of the hashes, in hex, in order. */
export function combineSha256(hashes: readonly Sha256[]): Sha256 {
  const [only] = hashes;
  if (only !== undefined && hashes.length === 1) return only;
  return sha256Schema.parse(createHash('sha256').update(hashes.join('\n')).digest('hex'));
}

async function keyOf(path: string): Promise<Omit<Entry, 'sha256'>> {
  const { size, mtimeMs } = await stat(path);
  return { path, size, mtimeMs };
}

function isSame(a: Omit<Entry, 'sha256'>, b: Omit<Entry, 'sha256'>): boolean {
  return a.path === b.path && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

async function hash(path: string, signal: AbortSignal | undefined): Promise<Sha256> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw new AipgError('cancelled', `Reading ${path} was cancelled`, { cause: error });
    throw error;
  }
  return sha256Schema.parse(hash.digest('hex'));
}

/** What is remembered; nothing when the file is missing or is not what we write. */
async function recall(memory: string): Promise<Entry[]> {
  return (await readCache(memory, memorySchema)) ?? [];
}

async function remember(memory: string, entry: Entry): Promise<void> {
  const others = (await recall(memory)).filter(({ path }) => path !== entry.path);
  await writeCache(memory, [entry, ...others].slice(0, MAX_ENTRIES));
}
