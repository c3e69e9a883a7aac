import { mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AipgError } from '../protocol/errors.ts';
import { type Check, type Finding, fromError } from './check.ts';
import { gigabytes } from './units.ts';

/** Less free space than this stops a download or the bus before long, in bytes. */
const LITTLE_SPACE = 2e9;

/** Settings, data, cache and state: can they be written, is there room? */
export const folders: Check = {
  subject: 'folders',
  limitMs: 5_000,
  find: async ({ paths }) =>
    Promise.all(
      Object.entries({
        settings: paths.config,
        data: paths.data,
        cache: paths.cache,
        state: paths.state,
      }).map(([name, path]) =>
        writableFolder(name, path).catch((error: unknown) => fromError(`${name} folder`, error)),
      ),
    ),
};

async function writableFolder(name: string, path: string): Promise<Finding> {
  const existing = await nearestFolder(path);
  await tryToWrite(existing);
  const { bavail, bsize } = await statfs(existing);
  const freeBytes = bavail * bsize;
  const exists = existing === path;
  const found = {
    subject: `${name} folder`,
    summary: `${path}, ${exists ? 'writable' : 'made when first needed'}, ${gigabytes(freeBytes)} free`,
    facts: { path, exists, freeBytes },
  };
  return freeBytes < LITTLE_SPACE
    ? { ...found, status: 'warning', fix: 'Make room on this disk, or move the folder by its XDG variable.' }
    : { ...found, status: 'ok' };
}

/** The folder itself, or the one in which it would be made. @throws AipgError `internal` when a file is in the way */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      if (error.code === 'ENOTDIR') return undefined;
      throw new AipgError('internal', `${folder} cannot be looked at (${error.code}).`, {
        hint: `See that it belongs to you: ls -ld ${folder}`,
      });
    });
    if (found?.isDirectory()) return folder;
    if (found) {
      throw new AipgError('internal', `${folder} is a file where a folder should be.`, {
        hint: `Move it away: mv ${folder} ${folder}.old`,
      });
    }
    if (folder === dirname(folder)) return folder;
  }
}

async function tryToWrite(folder: string): Promise<void> {
  try {
    await rmdir(await mkdtemp(join(folder, '.aipg-doctor-')));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AipgError('internal', `${folder} cannot be written to (${code}).`, {
      hint: `See that it belongs to you and that its disk is not full: ls -ld ${folder}`,
    });
  }
}
