import { loadCredentials } from '../config/credentials.ts';
import type { Paths } from '../config/paths.ts';
import type { BusChoice } from '../config/select-grid.ts';
import { readSettings } from '../config/settings.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, accountNameSchema, accountSchema, isAccountId } from '../protocol/ids.ts';
import { issuerOf } from '../protocol/seal-offer.ts';
import { Authority, listAuthorities } from './authority.ts';

/** An account that somebody has named. */
export interface NamedAccount {
  readonly id: Account;
  /** This machine has invited it, or is a member by it: it is no slip of the pen. */
  readonly isKnown: boolean;
  /** By which it was found. */
  readonly name?: string | undefined;
}

/**
 * The account that is meant by a name or an id. The names of a grid with keys are known where its operator's keys are,
 * and those of this machine's own profiles; everywhere else an account goes by its id alone. Without keys names are ids.
 * @throws AipgError `usage` for what is neither
 */
export async function findAccount(
  paths: Paths,
  { account: own, credentials }: Pick<BusChoice, 'account' | 'credentials'>,
  text: string,
): Promise<NamedAccount> {
  const issuer = credentials && issuerOf(credentials.jwt);
  const found = issuer === undefined ? undefined : await foundHere(paths, issuer, text);
  if (found) return { id: found, isKnown: true, ...(found !== text && { name: text }) };
  const id = accountSchema.safeParse(text);
  if (id.success) return { id: id.data, isKnown: id.data === own };
  throw new AipgError('usage', `${JSON.stringify(text)} is no account.`, { hint: WHERE_TO_LOOK });
}

/**
 * Whoever has never been on the grid must be meant on purpose.
 * @throws AipgError `usage` for a name that no new account of a grid with keys can have
 */
export function demandId(
  { id, isKnown }: NamedAccount,
  { credentials }: Pick<BusChoice, 'credentials'>,
): void {
  if (credentials === undefined || isKnown || isAccountId(id)) return;
  throw new AipgError('usage', `This machine knows no account named ${id}.`, { hint: WHERE_TO_LOOK });
}

const WHERE_TO_LOOK =
  'Write its id: `aipg balance` tells your own; an operator sees all with `aipg grid keys`.';

async function foundHere(paths: Paths, issuer: string, text: string): Promise<Account | undefined> {
  for (const grid of await listAuthorities(paths)) {
    const authority = await Authority.open(paths, grid);
    if (authority.issuer === issuer) return authority.find(text);
  }
  const name = accountNameSchema.safeParse(text).data;
  for (const profile of Object.values(readSettings(paths).grids)) {
    const { account, accountName, credentials } = profile;
    const isMeant = account === text || (name !== undefined && accountName === name);
    if (isMeant && credentials !== undefined && issuerIn(credentials) === issuer) return account;
  }
  return undefined;
}

/** A profile whose key is gone is no reason to fail here. */
function issuerIn(file: string): string | undefined {
  try {
    return issuerOf(loadCredentials(file).jwt);
  } catch {
    return undefined;
  }
}
