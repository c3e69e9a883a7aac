import { createHash, randomUUID } from 'node:crypto';
import { mkdir, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { AipgError } from '../protocol/errors.ts';
import { type HubFile, type HubOptions, type HubRepo, retrying } from './hub-client.ts';
import { PartialFile } from './partial-file.ts';

export interface HubDownloadOptions extends HubOptions {
  /** Called with the bytes received so far. */
  readonly onBytes?: ((received: number) => void) | undefined;
}

/**
 * Puts a file of the hub into the cache, as every tool of the hub lays it out: the content in `blobs/`, named by its
 * hash, and a link to it in `snapshots/<commit>/`.
 *
 * The library's own downloadFileToCacheDir prints to stdout, verifies nothing, lets two processes write into one file
 * and starts over after a cut; so its downloadFile is used, and the bytes are written here.
 * @returns the link's path
 * @throws AipgError `model-invalid` when the content is not what the hub's listing says
 */
export async function downloadToCache(
  repo: HubRepo,
  file: HubFile,
  folder: string,
  options: HubDownloadOptions,
): Promise<string> {
  const blob = blobPath(repo, file, folder);
  const link = join(folder, 'snapshots', repo.commit, file.path);
  if ((await sizeOf(blob)) !== file.bytes) await downloadBlob(repo, file, blob, options);
  await linkTo(blob, link);
  return link;
}

/** Where the content of a file lies in the cache. @throws AipgError `model-invalid` when the hub gives no hash of it */
export function blobPath(repo: HubRepo, { path, sha256, oid }: HubFile, folder: string): string {
  const name = sha256 ?? oid;
  if (name !== undefined) return join(folder, 'blobs', name);
  throw new AipgError('model-invalid', `The hub gives no hash of ${repo.id}:${path}`);
}

/** Remembers what `main` is, for tools that look there first. */
export async function writeMainRef(repo: HubRepo, folder: string): Promise<void> {
  const path = join(folder, 'refs', 'main');
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, repo.commit);
  await rename(temporary, path);
}

async function downloadBlob(
  repo: HubRepo,
  file: HubFile,
  blob: string,
  { onBytes, ...options }: HubDownloadOptions,
): Promise<void> {
  const { signal } = options;
  // Git names an object by the sha1 of its kind, its size and its content.
  const hashes = () => [createHash('sha256'), createHash('sha1').update(`blob ${file.bytes}\0`)];
  await using part = await PartialFile.create(blob, hashes);
  let isPatched = part.received > 0;
  let restarts = 0;
  if (part.received > file.bytes) await part.restart(hashes());
  onBytes?.(part.received);
  for (;;) {
    let before = part.received;
    await retrying(
      `${repo.id}:${file.path}`,
      repo.endpoint,
      options,
      async () => {
        before = part.received;
        if (part.received < file.bytes) {
          isPatched ||= part.received > 0;
          const content = await repo.open(file.path, part.received);
          await part.append(content, file.bytes, { signal, onBytes });
        }
        if (part.received < file.bytes) throw new Error(`the download ended after ${part.received} bytes`);
      },
      () => part.received > before,
    );
    const [sha256, gitOid] = part.digests();
    if (file.sha256 === undefined ? gitOid === file.oid : sha256 === file.sha256) break;
    if (!isPatched || restarts > 0) {
      await part.remove();
      throw new AipgError(
        'model-invalid',
        `${repo.id}:${file.path} came damaged: its hash is not the one that the hub lists. It was removed.`,
        { hint: 'Try again; if it stays so, the hub or a proxy on the way is broken.' },
      );
    }
    // What an earlier process left may be torn, and a proxy may ignore ranges: only a second try accuses the hub.
    restarts += 1;
    isPatched = false;
    await part.restart(hashes());
  }
  await part.commit();
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (stats) => stats.size,
    () => undefined,
  );
}

async function linkTo(blob: string, link: string): Promise<void> {
  if ((await realpath(link).catch(() => undefined)) === (await realpath(blob))) return;
  await mkdir(dirname(link), { recursive: true });
  const temporary = `${link}.${randomUUID()}`;
  try {
    await symlink(relative(dirname(link), blob), temporary);
    await rename(temporary, link);
  } catch (error) {
    await rm(temporary, { force: true });
    // Windows without developer mode has no links; the hub's own tools then keep the file itself in the snapshot.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
    await rename(blob, link);
  }
}
