import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { type ModelName, type Sha256, sha256Schema } from '../protocol/model.ts';
import { isModelPath, partsOf } from './gguf-files.ts';
import { hubCacheDir } from './hub-settings.ts';
import { hubModelName, quantOf } from './names.ts';

/** A model that lies complete in the Hugging Face cache. */
export interface CachedModel {
  readonly name: ModelName;
  /** `org/repo`. */
  readonly repo: string;
  /** Path within the repository, with `/`; of a split model, that of the first part. */
  readonly file: string;
  readonly quant: string | undefined;
  /** Of the snapshot's link, so that an engine finds the other parts of a split model beside it. */
  readonly path: string;
  readonly parts: readonly CachedPart[];
}

export interface CachedPart {
  readonly path: string;
  /** Undefined when the blob is not named by its sha256. */
  readonly sha256: Sha256 | undefined;
}

/** Every model in the cache, by name. A file in several revisions is listed once: that of `refs/main`, else the newest. */
export async function listCachedModels(env: NodeJS.ProcessEnv): Promise<readonly CachedModel[]> {
  const cache = hubCacheDir(env);
  const repos = await Promise.all((await entriesOf(cache)).map((folder) => modelsOf(cache, folder)));
  return repos.flat().sort((a, b) => a.name.localeCompare(b.name) || a.file.localeCompare(b.file));
}

/** The folder of a repository within the cache. */
export function repoFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replaceAll('/', '--')}`);
}

async function modelsOf(cache: string, folder: string): Promise<CachedModel[]> {
  const id = /^models--(.+)$/.exec(folder)?.[1];
  if (id === undefined) return [];
  const repo = id.replace('--', '/');
  const found = new Map<string, CachedModel>();
  for (const snapshot of await snapshotsOf(join(cache, folder))) {
    for (const model of await modelsIn(snapshot, repo)) {
      if (!found.has(model.file)) found.set(model.file, model);
    }
  }
  return [...found.values()];
}

/** The snapshots' folders, the one to prefer first. */
async function snapshotsOf(repo: string): Promise<string[]> {
  const main = await readFile(join(repo, 'refs', 'main'), 'utf8').catch(() => '');
  const snapshots = await Promise.all(
    (await entriesOf(join(repo, 'snapshots'))).map(async (commit) => {
      const path = join(repo, 'snapshots', commit);
      const time = await stat(path).then(
        (s) => s.mtimeMs,
        () => 0,
      );
      return { path, time: commit === main.trim() ? Number.POSITIVE_INFINITY : time };
    }),
  );
  return snapshots.sort((a, b) => (a.time < b.time ? 1 : -1)).map(({ path }) => path);
}

async function modelsIn(snapshot: string, repo: string): Promise<CachedModel[]> {
  // Without file types, readdir would walk into links to folders, out of the cache.
  const entries = await readdir(snapshot, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .map((entry) => relative(snapshot, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter(isModelPath);
  const models = await Promise.all(
    files.map(async (file): Promise<CachedModel | undefined> => {
      const parts = await Promise.all(partsOf(file).map((part) => partAt(join(snapshot, part))));
      if (!parts.every((part) => part !== undefined)) return undefined;
      const name = hubModelName(repo, file);
      return { name, repo, file, quant: quantOf(file), path: join(snapshot, file), parts };
    }),
  );
  return models.filter((model) => model !== undefined);
}

/** @returns undefined for a broken link, a folder, an empty file and a download on its way */
async function partAt(path: string): Promise<CachedPart | undefined> {
  try {
    const blob = await realpath(path);
    const stats = await stat(blob);
    if (!stats.isFile() || stats.size === 0 || blob.endsWith('.incomplete')) return undefined;
    const sha256 =
      basename(dirname(blob)) === 'blobs' ? sha256Schema.safeParse(basename(blob)).data : undefined;
    return { path, sha256 };
  } catch {
    return undefined;
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
