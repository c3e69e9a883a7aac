import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Paths } from '../config/paths.ts';
import { busUrlSchema, profileNameSchema } from '../config/settings.ts';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, type AccountName, accountNameSchema, workerIdOf } from '../protocol/ids.ts';
import type { KeyLimits } from '../protocol/key-limits.ts';
import type { Member, Role } from '../protocol/permissions.ts';
import { Accounts } from './accounts.ts';
import { type CaChoice, Certificates } from './certificates.ts';
import { parseJson, replaceFile, stringifyJson } from './files.ts';
import {
  type GridKeys,
  newGridKeys,
  newMember,
  publicKeyOf,
  type ServerTrust,
  signAccount,
  signTrust,
} from './keys.ts';
import { type Issued, Records } from './records.ts';

const gridSchema = z.object({
  name: profileNameSchema,
  /** Where members reach the bus; by `tls://`, where it speaks TLS alone. */
  url: busUrlSchema,
  keys: z.object({ operator: z.string(), account: z.string(), system: z.string() }),
  trust: z.object({
    operatorJwt: z.string(),
    systemAccount: z.string(),
    accounts: z.record(z.string(), z.string()),
  }),
});

export type { Issued };

export interface CreateOptions {
  /** For a grid whose address is `tls://`. Default: a new one. */
  readonly ca?: CaChoice | undefined;
  readonly now?: () => number;
}

export interface NewMember {
  readonly role: Role;
  /** Whose key it is: an account of the operator's choice, made when it is first named. */
  readonly name: AccountName;
  /** Seconds since 1970; absent: never. */
  readonly expiresAt?: number | undefined;
  /** What the key may do less than its role: of a user or a worker. */
  readonly limits?: KeyLimits | undefined;
}

/** Who may join a grid, and with which rights: the operator's folder of keys. */
export class Authority {
  readonly name: string;
  readonly url: string;
  /** The folder with all of it. */
  readonly dir: string;
  /** One file for each key that was given away. */
  readonly membersDir: string;
  /** By what the bus is known to its members. */
  readonly certificates: Certificates;
  readonly #keys: GridKeys;
  readonly #trust: ServerTrust;
  readonly #now: () => number;
  readonly #accounts: Accounts;
  readonly #records: Records;

  private constructor(dir: string, grid: z.infer<typeof gridSchema>, now: () => number) {
    this.name = grid.name;
    this.url = grid.url;
    this.dir = dir;
    this.membersDir = join(dir, 'members');
    this.certificates = new Certificates(join(dir, 'tls'), grid.name);
    this.#keys = grid.keys;
    this.#trust = grid.trust;
    this.#now = now;
    this.#accounts = new Accounts(join(dir, 'accounts'));
    this.#records = new Records(this.membersDir);
  }

  /**
   * Makes the keys of a new grid.
   * @throws AipgError `usage` when there is one of this name
   */
  static async create(
    paths: Paths,
    name: string,
    url: string,
    { ca = 'new', now = Date.now }: CreateOptions = {},
  ): Promise<Authority> {
    const valid = profileNameSchema.safeParse(name);
    if (!valid.success) throw new AipgError('usage', `${name} ${valid.error.issues[0]?.message}.`);
    const dir = join(authoritiesDir(paths), name);
    const keys = newGridKeys();
    const grid = gridSchema.parse({ name, url, keys, trust: await signTrust(name, keys) });
    await mkdir(join(dir, 'members'), { recursive: true, mode: 0o700 });
    try {
      await writeFile(join(dir, GRID_FILE), stringifyJson(grid), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new AipgError('usage', `The keys of a grid named ${name} are in ${dir} already.`, {
        hint: 'Choose another name. Without these keys nobody can be invited to that grid or be revoked.',
      });
    }
    const authority = new Authority(dir, grid, now);
    if (isTls(url)) await authority.certificates.choose(ca);
    return authority;
  }

  /** @throws AipgError `usage` when this machine has no keys of a grid of that name, or of several and none is named */
  static async open(paths: Paths, name: string | undefined, now = Date.now): Promise<Authority> {
    const names = await listAuthorities(paths);
    const chosen = name ?? (names.length === 1 ? names[0] : undefined);
    if (chosen === undefined || !names.includes(chosen)) throw notFound(name, names);
    const dir = join(authoritiesDir(paths), chosen);
    const grid = gridSchema.safeParse(parseJson(await readFile(join(dir, GRID_FILE), 'utf8')));
    if (grid.success) return new Authority(dir, grid.data, now);
    throw new AipgError('usage', `The keys of ${chosen} in ${join(dir, GRID_FILE)} are damaged.`, {
      hint: 'Put back a copy of the file.',
    });
  }

  /** A new key for a member, on record until it is revoked or expires. A worker's id follows from its key. */
  async issue({ role, name, expiresAt, limits }: NewMember): Promise<Credentials> {
    const credentials = await this.#mint(role, await this.account(name), expiresAt, limits);
    const { key, account, worker } = credentials;
    const issuedAt = this.#seconds();
    await this.#records.write({ key, role, account, name, worker, issuedAt, expiresAt, limits });
    return credentials;
  }

  /** A new key that is on no record: for processes of this machine, which forget it when they end. */
  async mint(role: Role): Promise<Credentials> {
    return this.#mint(role, await this.account(OPERATOR));
  }

  /**
   * The id by which the grid knows the account of this name; made when it is first asked for.
   * @throws AipgError `usage` for a name that differs from another account's in upper and lower case alone
   */
  async account(name: AccountName): Promise<Account> {
    return this.#accounts.id(name, async () => {
      // An account with keys from before there were ids goes on by its name.
      const older = (await this.members()).find(
        (each) => each.name === name && each.account === String(name),
      );
      return older?.account;
    });
  }

  /** The account of this name or id, if the operator has ever named or invited it. */
  async find(nameOrId: string): Promise<Account | undefined> {
    const members = await this.members();
    const byId = members.find(({ account }) => account === nameOrId);
    if (byId) return byId.account;
    const name = accountNameSchema.safeParse(nameOrId).data;
    const kept = name && (await this.#accounts.find(name));
    return kept ?? members.find((member) => member.name === name)?.account;
  }

  /** The public key that has signed the keys of its members. */
  get issuer(): string {
    return publicKeyOf(this.#keys.account);
  }

  /** Whether its members reach it by TLS alone. */
  get isSecure(): boolean {
    return isTls(this.url);
  }

  /** The same grid, from now on behind TLS with a CA of its own: its address becomes `tls://`. */
  async secure(): Promise<Authority> {
    if (isTls(this.url)) return this;
    const file = join(this.dir, GRID_FILE);
    const url = this.url.replaceAll('nats://', 'tls://');
    const grid = gridSchema.parse({ ...(parseJson(await readFile(file, 'utf8')) as object), url });
    const secured = new Authority(this.dir, grid, this.#now);
    await secured.certificates.choose('new');
    await replaceFile(file, stringifyJson(grid));
    return secured;
  }

  /** Every key on record, the newest last. */
  members(): Promise<Issued[]> {
    return this.#records.all();
  }

  /**
   * Voids keys: by public key, worker's id, or an account's name or id.
   * @returns those that were valid until now
   * @throws AipgError `usage` when nobody goes by that name
   */
  async revoke(who: string): Promise<Issued[]> {
    const named = (await this.members()).filter(({ key, worker, account, name }) =>
      [key, worker, account, name].includes(who as never),
    );
    if (named.length === 0) {
      throw new AipgError('usage', `No key of ${this.name} belongs to ${who}.`, {
        hint: 'See who has one: aipg grid keys',
      });
    }
    const valid = named.filter(({ revokedAt }) => revokedAt === undefined);
    const revoked = valid.map((member) => ({ ...member, revokedAt: this.#seconds() }));
    for (const member of revoked) await this.#records.write(member);
    return revoked;
  }

  /** What the bus must know; changes with each revocation. */
  async trust(): Promise<ServerTrust> {
    const revocations = (await this.members()).flatMap(({ key, revokedAt }) =>
      revokedAt === undefined ? [] : [[key, revokedAt] as const],
    );
    const { key, jwt } = await signAccount(this.name, this.#keys, Object.fromEntries(revocations));
    return { ...this.#trust, accounts: { ...this.#trust.accounts, [key]: jwt } };
  }

  #mint(role: Role, account: Account, expiresAt?: number, limits?: KeyLimits): Promise<Credentials> {
    const describe = (key: string): Member => ({ ...describeMember(role, account, key), limits });
    return newMember(this.#keys, describe, expiresAt);
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1_000);
  }
}

const GRID_FILE = 'grid.json';
/** The account of whoever made the grid. */
export const OPERATOR = accountNameSchema.parse('operator');

/** The grids whose keys this machine has. */
export async function listAuthorities(paths: Paths): Promise<string[]> {
  const entries = await readdir(authoritiesDir(paths), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function authoritiesDir(paths: Paths): string {
  return join(paths.config, 'authorities');
}

function describeMember(role: Role, account: Account, key: string): Member {
  if (role !== 'worker') return { role, account, key };
  // Nothing of its owner, who is not to be known to others; the key, for what nobody else can have.
  const worker = workerIdOf('w', key);
  return { role, account, key, worker };
}

function notFound(name: string | undefined, known: readonly string[]): AipgError {
  if (name === undefined && known.length > 1) {
    return new AipgError('usage', 'This machine has the keys of several grids.', {
      hint: `Say which one: --of ${known.join(', --of ')}`,
    });
  }
  const what = name === undefined ? 'a grid' : `a grid named ${name}`;
  return new AipgError('usage', `This machine does not have the keys of ${what}.`, {
    hint:
      known.length > 0
        ? `It has those of ${known.join(', ')}.`
        : 'Make them: aipg grid init NAME --url nats://this-machine:4222',
  });
}

function isTls(url: string): boolean {
  return url.includes('tls://');
}
