import { credentialsFile, removeCredentials, writeCredentials } from '../config/credentials.ts';
import type { Paths } from '../config/paths.ts';
import { addProfile } from '../config/profiles.ts';
import { readSettings, type Settings } from '../config/settings.ts';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import type { AccountName } from '../protocol/ids.ts';

export interface Membership {
  readonly url: string;
  readonly name?: AccountName | undefined;
  readonly credentials: Credentials;
}

/**
 * Remembers a grid and the key to it, in a file of its own that the user alone can read.
 * @throws AipgError `usage` when the name is taken
 */
export async function addMemberProfile(
  paths: Paths,
  name: string,
  { url, name: accountName, credentials }: Membership,
): Promise<Settings> {
  const file = credentialsFile(paths, name);
  writeCredentials(file, credentials);
  try {
    const { account } = credentials;
    return await addProfile(paths, name, { url, account, accountName, credentials: file });
  } catch (error) {
    removeCredentials(paths, name);
    throw error;
  }
}

/** @throws AipgError `usage` when a profile of that name is there already */
export function assertFree(paths: Paths, name: string): void {
  if (!Object.hasOwn(readSettings(paths).grids, name)) return;
  throw new AipgError('usage', `There is a grid named ${name} already.`, {
    hint: `Choose another name, or forget it first: aipg grid rm ${name}`,
  });
}
