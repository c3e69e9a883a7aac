import { lstat, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { AipgError } from '../protocol/errors.ts';
import { partsOf } from './gguf-files.ts';
import { repoFolder } from './hub-cache.ts';
import { hubCacheDir } from './hub-settings.ts';
import type { CachedLocated, LocatedModel } from './located.ts';

/** What removing a model would take away. */
export interface RemovalPlan {
  readonly model: CachedLocated;
  /** Of the repository, in the cache. */
  readonly folder: string;
  /** What names the model's parts, in every snapshot that has them: links, or files where the system has no links. */
  readonly entries: readonly string[];
  /** Contents that nothing else names. */
  readonly blobs: readonly string[];
  /** What is free again afterwards. */
  readonly freedBytes: number;
}

/** Looks only. @throws AipgError `usage` for what aipg does not remove: the bundled model, a file outside the cache */
export async function planRemoval(model: LocatedModel, env: NodeJS.ProcessEnv): Promise<RemovalPlan> {
  if (model.form === 'bundled') {
    throw new AipgError('usage', `${model.name} comes with aipg and stays with it.`);
  }
  if (model.form === 'path') {
    throw new AipgError('usage', `${model.path} is a file of your own, which aipg does not remove.`, {
      hint: 'Only models in the Hugging Face cache are removed; see `aipg models`.',
    });
  }
  const folder = repoFolder(hubCacheDir(env), model.repo);
  const entries = await entriesOf(folder, partsOf(model.file));
  const blobs = await unreferenced(folder, entries);
  const sizes = await Promise.all(
    [...blobs, ...(await plainFiles(entries))].map(async (path) => {
      const stats = await stat(path);
      // Under another name the content stays.
      return stats.nlink > 1 ? 0 : stats.size;
    }),
  );
  return { model, folder, entries, blobs, freedBytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
}

/** Removes the names first and then what nothing else names: cut short, it leaves a content too much, never a name too much. */
export async function removeModel({ folder, entries, blobs }: RemovalPlan): Promise<void> {
  for (const entry of entries) await rm(entry, { force: true });
  // Another download may have linked to one in the meantime.
  const named = await namedBlobs(folder, new Set());
  for (const blob of blobs) if (!named.has(blob)) await rm(blob, { force: true });
  for (const entry of entries) await removeEmpty(dirname(entry), join(folder, 'snapshots'));
  await removeEmptyRepo(folder);
}

async function entriesOf(folder: string, paths: readonly string[]): Promise<string[]> {
  const snapshots = await readdir(join(folder, 'snapshots')).catch(() => []);
  const candidates = snapshots.flatMap((commit) =>
    paths.map((path) => join(folder, 'snapshots', commit, path)),
  );
  const found = await Promise.all(
    candidates.map((path) =>
      lstat(path).then(
        (stats) => !stats.isDirectory(),
        () => false,
      ),
    ),
  );
  return candidates.filter((_, index) => found[index]);
}

async function plainFiles(entries: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(entries.map((path) => lstat(path)));
  return entries.filter((_, index) => stats[index]?.isFile());
}

/** The blobs that these entries name and no other does. */
async function unreferenced(folder: string, entries: readonly string[]): Promise<string[]> {
  const elsewhere = await namedBlobs(folder, new Set(entries));
  const blobs = new Set<string>();
  for (const entry of entries) {
    const blob = await blobOf(entry, folder);
    if (blob !== undefined && !elsewhere.has(blob)) blobs.add(blob);
  }
  return [...blobs];
}

/** The blobs that the snapshots name, some entries left out. */
async function namedBlobs(folder: string, leftOut: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const entries = await readdir(join(folder, 'snapshots'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const paths = entries
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !leftOut.has(path));
  const blobs = await Promise.all(paths.map((path) => blobOf(path, folder)));
  return new Set(blobs.filter((blob) => blob !== undefined));
}

/** What a link leads to, if it is a blob of this repository: nothing else is the cache's to remove. */
async function blobOf(link: string, folder: string): Promise<string | undefined> {
  const [path, blobs] = await Promise.all(
    [link, join(folder, 'blobs')].map((name) => realpath(name).catch(() => undefined)),
  );
  return path !== undefined && blobs !== undefined && path.startsWith(blobs + sep) ? path : undefined;
}

/** Removes a folder and those above it, as long as they are empty. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let path = folder; path.startsWith(top + sep); path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

/** A repository of which nothing is left but the note of its newest commit. */
async function removeEmptyRepo(folder: string): Promise<void> {
  for (const content of ['snapshots', 'blobs']) {
    const entries = await readdir(join(folder, content)).catch(() => []);
    if (entries.length > 0) return;
  }
  await rm(folder, { recursive: true, force: true });
}
