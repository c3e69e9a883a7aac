import type { DatabaseSync } from 'node:sqlite';

/** The index knows pieces of three characters; shorter words are looked for row by row. */
const INDEXED_LENGTH = 3;

/** The rows in which all words occur, whatever their case; the newest first. */
export function searchJobs(
  database: DatabaseSync,
  words: readonly string[],
  limit: number,
  indexed: boolean,
): number[] {
  const inIndex = words.filter((word) => indexed && [...word].length >= INDEXED_LENGTH);
  const inRows = words.filter((word) => !inIndex.includes(word));
  const conditions = [
    ...(inIndex.length > 0 ? ['seq IN (SELECT rowid FROM jobs_text WHERE jobs_text MATCH ?)'] : []),
    ...inRows.map(
      () => "(prompt || char(10) || coalesce(system, '') || char(10) || text) LIKE ? ESCAPE '\\'",
    ),
  ];
  const values = [
    // Quoted, so that nothing in a word is an operator of the index's own language.
    ...(inIndex.length > 0 ? [inIndex.map((word) => `"${word.replaceAll('"', '""')}"`).join(' ')] : []),
    ...inRows.map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`),
  ];
  return database
    .prepare(`SELECT seq FROM jobs WHERE ${conditions.join(' AND ') || 'true'} ORDER BY seq DESC LIMIT ?`)
    .all(...values, limit)
    .map((row) => Number(row['seq']));
}
