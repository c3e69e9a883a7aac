import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Paths } from '../config/paths.ts';
import { AipgError } from '../protocol/errors.ts';
import type { JobId } from '../protocol/ids.ts';
import { fromRow, JOB_COLUMNS, type LoggedJob, toRow } from './logged-job.ts';
import { countPruned, type Prune, pruneJobs } from './prune.ts';
import { hasFullText, migrate } from './schema.ts';
import { searchJobs } from './search.ts';
import { asHistoryError, openDatabase, tellingErrors, transaction } from './sqlite.ts';

const FROM_JOBS = 'FROM jobs JOIN conversations ON conversations.id = jobs.conversation';

/** Has something to go on from: an answer, or as much of one as was said before it was stopped. */
const CONTINUABLE =
  "jobs.text <> '' AND status <> 'failed' AND json_extract(input, '$.prompt.form') = 'chat'";

export function historyFile(paths: Paths): string {
  return join(paths.data, 'history.db');
}

/**
 * The log for writing; begun where there is none.
 * @throws AipgError `history-unusable`
 */
export async function openHistory(paths: Paths): Promise<History> {
  const file = historyFile(paths);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Before SQLite does, whose own would be readable by others; the files beside it get the same mode.
    closeSync(openSync(file, 'a', 0o600));
  } catch (cause) {
    const message = `The log ${file} cannot be opened (${(cause as Error).message}).`;
    throw new AipgError('history-unusable', message, {
      hint: 'Look at its owner and permissions, or go on without it: AIPG_NO_LOG=1',
      cause,
    });
  }
  return await open(file);
}

/**
 * The log for reading; `undefined` where there is none.
 * @throws AipgError `history-unusable`
 */
export async function openExistingHistory(paths: Paths): Promise<History | undefined> {
  const file = historyFile(paths);
  return existsSync(file) ? await open(file) : undefined;
}

async function open(file: string): Promise<History> {
  let database: DatabaseSync | undefined;
  try {
    database = await openDatabase(file);
    if (statSync(file).mode & 0o077) chmodSync(file, 0o600);
    chooseWriteAheadLog(database);
    migrate(database, file);
    return new History(database, file);
  } catch (error) {
    database?.close();
    throw asHistoryError(file, error);
  }
}

/** Readers and a writer then do not wait for each other, and a commit costs no wait for the disk. */
function chooseWriteAheadLog(database: DatabaseSync): void {
  database.exec('PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL');
  if (database.prepare('PRAGMA journal_mode').get()?.['journal_mode'] === 'wal') return;
  try {
    database.exec('PRAGMA journal_mode = WAL');
  } catch (error) {
    // Another process has it open just now: all goes well without, and whoever opens it next tries again.
    if ((error as { errcode?: number }).errcode !== 5) throw error;
  }
}

/** The log of this machine's jobs: one SQLite file that many processes may use at once. */
export class History implements Disposable {
  readonly file: string;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.file = file;
  }

  /** Keeps a job. A named conversation that another process began meanwhile is gone on with. */
  add(job: LoggedJob): void {
    this.#run((database) =>
      transaction(database, () => {
        const conversation = conversationFor(database, job);
        const row = toRow({ ...job, conversation });
        const columns = Object.keys(row);
        database
          .prepare(`INSERT INTO jobs (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
          .run(...Object.values(row));
      }),
    );
  }

  /** The newest first, read as they are taken. @param conversation an id or a name */
  *each({ limit, conversation }: { limit: number; conversation?: string | undefined }): Generator<LoggedJob> {
    const of = conversation === undefined ? '' : 'WHERE conversations.id = ?1 OR conversations.name = ?1';
    const values = conversation === undefined ? [] : [conversation];
    const rows = this.#run((database) =>
      database
        .prepare(`SELECT ${JOB_COLUMNS} ${FROM_JOBS} ${of} ORDER BY seq DESC LIMIT ${Math.trunc(limit)}`)
        .iterate(...values),
    );
    for (;;) {
      const next = this.#run(() => rows.next());
      if (next.done) return;
      yield this.#run(() => fromRow(next.value));
    }
  }

  /** The newest first. @param conversation an id or a name */
  newest(which: { limit: number; conversation?: string | undefined }): LoggedJob[] {
    return [...this.each(which)];
  }

  /**
   * The job with this id, or whose id starts so.
   * @throws AipgError `usage` when there is none or more than one
   */
  find(prefix: string): LoggedJob {
    const wanted = /^[0-9a-z]+$/.test(prefix) ? `${prefix}*` : '';
    const found = this.#jobs('WHERE jobs.id GLOB ? ORDER BY seq DESC LIMIT 4', wanted);
    const [only] = found;
    if (only === undefined) {
      throw new AipgError('usage', `The log has no job ${JSON.stringify(prefix)}.`, {
        hint: 'See those that there are: aipg logs',
      });
    }
    if (found.length > 1) {
      const ids = found.slice(0, 3).map(({ id }) => id);
      throw new AipgError(
        'usage',
        `Several jobs start with ${prefix}: ${ids.join(', ')}${found.length > 3 ? ', …' : ''}.`,
        {
          hint: 'Give more of the id.',
        },
      );
    }
    return only;
  }

  /** Jobs in whose prompt, instructions or answer all words occur, the newest first. */
  search(words: readonly string[], limit: number): LoggedJob[] {
    const seqs = this.#run((database) => searchJobs(database, words, limit, hasFullText(database)));
    return this.#jobs(`WHERE seq IN (${seqs.join(', ')}) ORDER BY seq DESC`);
  }

  /** The newest turn that can be gone on from; of one conversation, or of any. */
  lastTurn(name?: string): LoggedJob | undefined {
    const of = name === undefined ? '' : 'AND conversations.name = ?';
    const [turn] = this.#jobs(
      `WHERE ${CONTINUABLE} ${of} ORDER BY seq DESC LIMIT 1`,
      ...(name === undefined ? [] : [name]),
    );
    return turn;
  }

  /** The named conversations and how many jobs they have, the one with the newest first. */
  chats(limit: number): { name: string; jobs: number }[] {
    return this.#run((database) =>
      database
        .prepare(
          `SELECT name, count(*) AS jobs FROM conversations JOIN jobs ON conversations.id = jobs.conversation
           WHERE name IS NOT NULL GROUP BY conversations.id ORDER BY max(seq) DESC LIMIT ?`,
        )
        .all(limit),
    ) as { name: string; jobs: number }[];
  }

  /** Ids and the start of what was asked, the newest first. @param length of the start, in characters */
  prompts(limit: number, length: number): { id: JobId; prompt: string }[] {
    return this.#run((database) =>
      database
        .prepare('SELECT id, substr(prompt, 1, ?) AS prompt FROM jobs ORDER BY seq DESC LIMIT ?')
        .all(length, limit),
    ) as { id: JobId; prompt: string }[];
  }

  /** Forgets jobs and gives their space back to the disk; how many bytes is returned. */
  prune(what: Prune): number {
    return this.#run((database) => pruneJobs(database, what));
  }

  /** How many jobs a prune would forget. */
  countPruned(what: Prune): number {
    return this.#run((database) => countPruned(database, what));
  }

  /** How many jobs the log has, and since when (milliseconds since 1970). */
  summary(): { jobs: number; oldest: number | null } {
    const row = this.#run((database) =>
      database.prepare('SELECT count(*) AS jobs, min(created_at) AS oldest FROM jobs').get(),
    );
    return row as { jobs: number; oldest: number | null };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #jobs(where: string, ...values: string[]): LoggedJob[] {
    return this.#run((database) =>
      database
        .prepare(`SELECT ${JOB_COLUMNS} ${FROM_JOBS} ${where}`)
        .all(...values)
        .map(fromRow),
    );
  }

  #run<T>(act: (database: DatabaseSync) => T): T {
    return tellingErrors(this.file, () => act(this.#database));
  }
}

function conversationFor(database: DatabaseSync, { conversation, chat }: LoggedJob): JobId {
  database
    .prepare('INSERT INTO conversations (id, name) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run(conversation, chat);
  if (chat === null) return conversation;
  return database.prepare('SELECT id FROM conversations WHERE name = ?').get(chat)?.['id'] as JobId;
}
