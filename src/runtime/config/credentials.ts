import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { type Credentials, formatCredentials, parseCredentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Paths } from './paths.ts';

/** Holds the text of a credentials file, for an address (`--grid nats://…`) without a profile. */
export const CREDENTIALS_VARIABLE = 'AIPG_CREDENTIALS';

export function credentialsFile(paths: Pick<Paths, 'config'>, profile: string): string {
  return join(paths.config, 'credentials', `${profile}.creds`);
}

/** Writes a member's key where its user alone can read it. @throws AipgError `usage` when there is a key already */
export function writeCredentials(file: string, credentials: Credentials): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, formatCredentials(credentials), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new AipgError('usage', `There is a key in ${file} already.`, {
      hint: 'Delete it if it is not needed any more, or join under another --name.',
    });
  }
}

/** Where the CA of a grid is kept, beside the key to it. */
export function caFile(paths: Pick<Paths, 'config'>, profile: string): string {
  return join(paths.config, 'credentials', `${profile}.ca.pem`);
}

export function removeCredentials(paths: Pick<Paths, 'config'>, profile: string): void {
  rmSync(credentialsFile(paths, profile), { force: true });
  rmSync(caFile(paths, profile), { force: true });
}

/** @throws AipgError `usage` when the file cannot be read */
export function loadCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AipgError(
      'usage',
      `The CA of the grid in ${file} cannot be read (${(error as Error).message}).`,
      {
        hint: "Ask the grid's operator for a new invitation.",
      },
    );
  }
}

/** @throws AipgError `usage` when the file cannot be read, others can read it, or it holds no key of a grid */
export function loadCredentials(file: string): Credentials {
  let text: string;
  try {
    // Windows has no such modes.
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new AipgError('usage', `The key in ${file} can be read by others.`, {
        hint: `Take that away: chmod 600 ${file}`,
      });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof AipgError) throw error;
    throw new AipgError('usage', `The key in ${file} cannot be read (${(error as Error).message}).`, {
      hint: "Ask the grid's operator for a new invitation.",
    });
  }
  return parseCredentials(text);
}

/** From the environment. @throws AipgError `usage` for what is no key of a grid */
export function credentialsFrom(env: NodeJS.ProcessEnv): Credentials | undefined {
  const text = env[CREDENTIALS_VARIABLE];
  return text === undefined || text === '' ? undefined : parseCredentials(text);
}
