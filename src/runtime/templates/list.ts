import { join } from 'node:path';
import type { Paths } from '../config/paths.ts';
import { toAipgError } from '../protocol/errors.ts';
import { listTemplateFiles, templatesFolder } from './folder.ts';
import { nameOf, readTemplate } from './read.ts';
import { templateVariables, type Variable } from './render.ts';

export interface ListedTemplate {
  readonly name: string;
  readonly path: string;
  readonly description: string | undefined;
  readonly variables: readonly Variable[];
  /** What is wrong in its file. */
  readonly error?: string;
}

/** The templates of the folder, those with a fault among them. */
export async function listTemplates(paths: Paths): Promise<readonly ListedTemplate[]> {
  const files = await listTemplateFiles(paths);
  return await Promise.all(
    files.map(async (file): Promise<ListedTemplate> => {
      const path = join(templatesFolder(paths), file);
      const name = nameOf(file);
      try {
        const template = await readTemplate(path, paths);
        return { name, path, description: template.description, variables: templateVariables(template) };
      } catch (thrown) {
        const error = toAipgError(thrown).message;
        return { name, path, description: undefined, variables: [], error };
      }
    }),
  );
}
