import { credentialsFile, removeCredentials, writeCredentials } from '../config/credentials.ts';
import type { Paths } from '../config/paths.ts';
import { addProfile } from '../config/profiles.ts';
import type { Settings } from '../config/settings.ts';
import type { Credentials } from '../protocol/credentials.ts';

export interface Membership {
  readonly url: string;
  readonly credentials: Credentials;
}

/**
 * Remembers a grid and the key to it, in a file of its own that the user alone can read.
 * @throws AipgError `usage` when the name is taken
 */
export async function addMemberProfile(
  paths: Paths,
  name: string,
  { url, credentials }: Membership,
): Promise<Settings> {
  const file = credentialsFile(paths, name);
  writeCredentials(file, credentials);
  try {
    return await addProfile(paths, name, { url, account: credentials.account, credentials: file });
  } catch (error) {
    removeCredentials(paths, name);
    throw error;
  }
}
