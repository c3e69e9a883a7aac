import process from 'node:process';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { describeIssue } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';

/** How long a writer waits for another process's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** SQLite's own result codes, without their extensions. */
const BUSY = 5;
const READ_ONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

/** Opens a database file with SQLite as Node has it built in, which is loaded only now. */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await withoutExperimentalWarning(() => import('node:sqlite'));
  return new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
}

/** Older releases of Node say on stderr that their SQLite is experimental, which is no news to a user of ours. */
async function withoutExperimentalWarning<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] !== 'ExperimentalWarning') Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Runs what writes as one transaction, which waits for other writers and either happens whole or not at all. */
export function transaction<T>(database: DatabaseSync, write: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = write();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Runs what reads or writes the log, and tells its failures in full sentences.
 * @throws AipgError `history-unusable`
 */
export function tellingErrors<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asHistoryError(file, error);
  }
}

export function asHistoryError(file: string, error: unknown): AipgError {
  if (error instanceof AipgError) return error;
  if (error instanceof z.ZodError) {
    const message = `The log ${file} has a job that this release cannot read (${describeIssue(error)}).`;
    return new AipgError('history-unusable', message, { hint: 'Update aipg.', cause: error });
  }
  const { message, errcode } = error as Error & { errcode?: number };
  const unusable = (what: string, hint?: string) =>
    new AipgError('history-unusable', `The log ${file} ${what}.`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  switch (errcode === undefined ? undefined : errcode & 0xff) {
    case CORRUPT:
    case NOT_A_DATABASE:
      return unusable(
        `is damaged (${message})`,
        `Move it away, and a new one is begun: mv "${file}" "${file}.damaged"`,
      );
    case BUSY:
      return unusable(
        `is locked by another process for more than ${BUSY_TIMEOUT_MS / 1_000} s`,
        'Try again when that process has ended.',
      );
    case FULL:
      return unusable(
        'cannot grow: the disk is full',
        'Free some space, or shorten it: aipg logs prune --keep 1000',
      );
    case READ_ONLY:
    case CANNOT_OPEN:
      return unusable(
        `cannot be opened for writing (${message})`,
        'Look at its owner and permissions, or go on without it: AIPG_NO_LOG=1',
      );
    default:
      return unusable(`cannot be used (${message})`);
  }
}
