import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../config/paths.ts';

/** Where templates are kept by name: `templates` in the folder of settings. */
export function templatesFolder(paths: Paths): string {
  return join(paths.config, 'templates');
}

/** The files of the templates there, sorted by name; none when there is no such folder. */
export async function listTemplateFiles(paths: Paths): Promise<readonly string[]> {
  const entries = await readdir(templatesFolder(paths)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => /^[^.].*\.ya?ml$/.test(entry)).sort();
}
