import { writeFileSync } from 'node:fs';
import { changeSettings } from '../config/change-settings.ts';
import { caFile, credentialsFile, removeCredentials, writeCredentials } from '../config/credentials.ts';
import type { Paths } from '../config/paths.ts';
import { addProfile } from '../config/profiles.ts';
import { readSettings, type Settings } from '../config/settings.ts';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import type { AccountName } from '../protocol/ids.ts';

export interface Membership {
  readonly url: string;
  readonly name?: AccountName | undefined;
  /** The one CA that may have signed the certificate of the bus, as PEM. */
  readonly ca?: string | undefined;
  readonly credentials: Credentials;
}

/**
 * Remembers a grid and the key to it, in a file of its own that the user alone can read.
 * @throws AipgError `usage` when the name is taken
 */
export async function addMemberProfile(
  paths: Paths,
  name: string,
  { url, name: accountName, ca, credentials }: Membership,
): Promise<Settings> {
  const file = credentialsFile(paths, name);
  writeCredentials(file, credentials);
  try {
    const { account } = credentials;
    return await addProfile(paths, name, {
      url,
      account,
      accountName,
      credentials: file,
      ...(ca !== undefined && { ca: keepCa(paths, name, ca) }),
    });
  } catch (error) {
    removeCredentials(paths, name);
    throw error;
  }
}

/** Takes over into a profile that the grid is reached by TLS now. Nothing is changed where there is no such profile. */
export async function secureProfile(paths: Paths, name: string, url: string, ca: string): Promise<void> {
  if (!Object.hasOwn(readSettings(paths).grids, name)) return;
  const file = keepCa(paths, name, ca);
  await changeSettings(paths, (settings) => {
    const profile = settings.grids[name];
    return profile
      ? { ...settings, grids: { ...settings.grids, [name]: { ...profile, url, ca: file } } }
      : settings;
  });
}

function keepCa(paths: Paths, name: string, ca: string): string {
  const file = caFile(paths, name);
  writeFileSync(file, ca, { mode: 0o600 });
  return file;
}

/** @throws AipgError `usage` when a profile of that name is there already */
export function assertFree(paths: Paths, name: string): void {
  if (!Object.hasOwn(readSettings(paths).grids, name)) return;
  throw new AipgError('usage', `There is a grid named ${name} already.`, {
    hint: `Choose another name, or forget it first: aipg grid rm ${name}`,
  });
}
