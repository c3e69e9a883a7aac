import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Remembers that a model is used now, by the time of an empty file of its own: no lock, and nothing to read or to
 * rewrite. Best effort: where nothing can be written, nothing is remembered.
 * @param cacheDir holds the folder of these files, `last-used/`
 */
export function markUsed(cacheDir: string, path: string, now = new Date()): void {
  try {
    const marker = markerOf(cacheDir, path);
    try {
      utimesSync(marker, now, now);
    } catch {
      mkdirSync(dirname(marker), { recursive: true });
      writeFileSync(marker, '');
      utimesSync(marker, now, now);
    }
  } catch {
    // A use is no reason to fail.
  }
}

/** When a model was last used by `gen`, `worker` or `up`; undefined for never. */
export function lastUsed(cacheDir: string, path: string): Date | undefined {
  try {
    return statSync(markerOf(cacheDir, path)).mtime;
  } catch {
    return undefined;
  }
}

/** By where the content lies, so that a use counts in every snapshot that links to it. */
function markerOf(cacheDir: string, path: string): string {
  const name = createHash('sha256').update(realpathSync(path)).digest('hex').slice(0, 32);
  return join(cacheDir, 'last-used', name);
}
