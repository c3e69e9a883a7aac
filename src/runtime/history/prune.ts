import type { DatabaseSync } from 'node:sqlite';
import { hasFullText } from './schema.ts';
import { transaction } from './sqlite.ts';

/** Which jobs to forget: those made before a time (milliseconds since 1970), all but the newest, or all. */
export type Prune = { readonly before: number } | { readonly keep: number } | 'all';

/** Deletes and gives the space back. Returns how many bytes that was. */
export function pruneJobs(database: DatabaseSync, what: Prune): number {
  const { where, values } = condition(what);
  const before = fileBytes(database);
  transaction(database, () => {
    database.prepare(`DELETE FROM jobs WHERE ${where}`).run(...values);
    database.exec('DELETE FROM conversations WHERE id NOT IN (SELECT conversation FROM jobs)');
  });
  // Writes index and file anew from what is left: nothing of what was deleted stays readable.
  if (hasFullText(database)) database.exec("INSERT INTO jobs_text (jobs_text) VALUES ('rebuild')");
  database.exec('VACUUM');
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return Math.max(0, before - fileBytes(database));
}

/** How many jobs a prune would forget. */
export function countPruned(database: DatabaseSync, what: Prune): number {
  const { where, values } = condition(what);
  return Number(
    database.prepare(`SELECT count(*) AS jobs FROM jobs WHERE ${where}`).get(...values)?.['jobs'],
  );
}

function fileBytes(database: DatabaseSync): number {
  const row = database.prepare(
    'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
  );
  return Number(row.get()?.['bytes']);
}

function condition(what: Prune): { where: string; values: number[] } {
  if (what === 'all') return { where: 'true', values: [] };
  if ('before' in what) return { where: 'created_at < ?', values: [what.before] };
  return { where: 'seq NOT IN (SELECT seq FROM jobs ORDER BY seq DESC LIMIT ?)', values: [what.keep] };
}
