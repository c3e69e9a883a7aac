import type { DatabaseSync } from 'node:sqlite';
import { AipgError } from '../protocol/errors.ts';
import { transaction } from './sqlite.ts';

/**
 * What brings the file from each version to the next. The file's own version is the number of steps that it has
 * taken (`PRAGMA user_version`). A released step is never changed; a new one is added.
 */
const STEPS: readonly string[] = [
  `CREATE TABLE conversations (
     id TEXT PRIMARY KEY,
     name TEXT UNIQUE
   ) STRICT;
   CREATE TABLE jobs (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     conversation TEXT NOT NULL REFERENCES conversations (id),
     created_at INTEGER NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('done', 'failed', 'cancelled')),
     prompt TEXT NOT NULL,
     system TEXT,
     input TEXT NOT NULL,
     text TEXT NOT NULL,
     model TEXT,
     model_sha256 TEXT,
     model_reference TEXT,
     sampler TEXT,
     finish_reason TEXT,
     error TEXT,
     prompt_tokens INTEGER,
     output_tokens INTEGER,
     first_text_ms REAL,
     total_ms REAL NOT NULL,
     tokens_per_second REAL,
     grid TEXT NOT NULL,
     worker TEXT
   ) STRICT;
   CREATE INDEX jobs_conversation ON jobs (conversation, seq);
   CREATE INDEX jobs_created_at ON jobs (created_at);`,
];

export const SCHEMA_VERSION = STEPS.length;

/** Pieces of three characters find words and parts of words alike, in scripts without spaces too. */
const FULL_TEXT = `
  CREATE VIRTUAL TABLE jobs_text USING fts5 (
    prompt, system, text, content = 'jobs', content_rowid = 'seq', tokenize = 'trigram'
  );
  CREATE TRIGGER jobs_text_insert AFTER INSERT ON jobs BEGIN
    INSERT INTO jobs_text (rowid, prompt, system, text) VALUES (new.seq, new.prompt, new.system, new.text);
  END;
  CREATE TRIGGER jobs_text_delete AFTER DELETE ON jobs BEGIN
    INSERT INTO jobs_text (jobs_text, rowid, prompt, system, text)
    VALUES ('delete', old.seq, old.prompt, old.system, old.text);
  END;`;

/**
 * Brings the file to this release's schema; several processes may do so at once.
 * @throws AipgError `history-unusable` when a newer release wrote it
 */
export function migrate(database: DatabaseSync, file: string): void {
  if (versionOf(database) === SCHEMA_VERSION) return;
  transaction(database, () => {
    const version = versionOf(database);
    if (version > SCHEMA_VERSION) {
      throw new AipgError(
        'history-unusable',
        `The log ${file} is of a newer release of aipg (its version is ${version}, this release knows ${SCHEMA_VERSION}).`,
        { hint: 'Update aipg, or go on without the log: --no-log' },
      );
    }
    for (const step of STEPS.slice(version)) database.exec(step);
    if (version === 0 && hasFts5(database)) database.exec(FULL_TEXT);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

/** Whether the file has an index of its words. */
export function hasFullText(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'jobs_text'").get() !== undefined;
}

function hasFts5(database: DatabaseSync): boolean {
  return (
    database.prepare("SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_FTS5'").get() !==
    undefined
  );
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}
