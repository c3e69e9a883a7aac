import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Paths } from '../config/paths.ts';
import { busUrlSchema, profileNameSchema } from '../config/settings.ts';
import type { Credentials } from '../protocol/credentials.ts';
import { userKeySchema } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, accountSchema, workerIdOf, workerIdSchema } from '../protocol/ids.ts';
import { type Member, ROLES, type Role } from '../protocol/permissions.ts';
import { type GridKeys, newGridKeys, newMember, type ServerTrust, signAccount, signTrust } from './keys.ts';

const gridSchema = z.object({
  name: profileNameSchema,
  /** Where members reach the bus. */
  url: busUrlSchema,
  keys: z.object({ operator: z.string(), account: z.string(), system: z.string() }),
  trust: z.object({
    operatorJwt: z.string(),
    systemAccount: z.string(),
    accounts: z.record(z.string(), z.string()),
  }),
});

/** What is kept of a key that was given away; the key itself is not. */
export const issuedSchema = z.object({
  key: userKeySchema,
  role: z.enum(ROLES),
  account: accountSchema,
  worker: workerIdSchema.optional(),
  /** Seconds since 1970. */
  issuedAt: z.number().int(),
  expiresAt: z.number().int().optional(),
  revokedAt: z.number().int().optional(),
});
export type Issued = z.infer<typeof issuedSchema>;

export interface NewMember {
  readonly role: Role;
  readonly account: Account;
  /** Seconds since 1970; absent: never. */
  readonly expiresAt?: number | undefined;
}

/** Who may join a grid, and with which rights: the operator's folder of keys. */
export class Authority {
  readonly name: string;
  readonly url: string;
  /** The folder with all of it. */
  readonly dir: string;
  /** One file for each key that was given away. */
  readonly membersDir: string;
  readonly #keys: GridKeys;
  readonly #trust: ServerTrust;
  readonly #now: () => number;

  private constructor(dir: string, grid: z.infer<typeof gridSchema>, now: () => number) {
    this.name = grid.name;
    this.url = grid.url;
    this.dir = dir;
    this.membersDir = join(dir, 'members');
    this.#keys = grid.keys;
    this.#trust = grid.trust;
    this.#now = now;
  }

  /**
   * Makes the keys of a new grid.
   * @throws AipgError `usage` when there is one of this name
   */
  static async create(paths: Paths, name: string, url: string, now = Date.now): Promise<Authority> {
    const valid = profileNameSchema.safeParse(name);
    if (!valid.success) throw new AipgError('usage', `${name} ${valid.error.issues[0]?.message}.`);
    const dir = join(authoritiesDir(paths), name);
    const keys = newGridKeys();
    const grid = gridSchema.parse({ name, url, keys, trust: await signTrust(name, keys) });
    await mkdir(join(dir, 'members'), { recursive: true, mode: 0o700 });
    try {
      await writeFile(join(dir, GRID_FILE), stringify(grid), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new AipgError('usage', `The keys of a grid named ${name} are in ${dir} already.`, {
        hint: 'Choose another name. Without these keys nobody can be invited to that grid or be revoked.',
      });
    }
    return new Authority(dir, grid, now);
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
  async issue({ role, account, expiresAt }: NewMember): Promise<Credentials> {
    const credentials = await this.mint(role, account, expiresAt);
    const { key, worker } = credentials;
    const issuedAt = this.#seconds();
    await this.#record({ key, role, account, worker, issuedAt, expiresAt });
    return credentials;
  }

  /** A new key that is on no record: for processes of this machine, which forget it when they end. */
  async mint(role: Role, account: Account, expiresAt?: number): Promise<Credentials> {
    return newMember(this.#keys, (key) => describeMember(role, account, key), expiresAt);
  }

  /** Every key on record, the newest last. */
  async members(): Promise<Issued[]> {
    const files = (await readdir(this.membersDir)).filter((file) => file.endsWith('.json'));
    const read = files.map(async (file) =>
      issuedSchema.safeParse(parseJson(await readFile(join(this.membersDir, file), 'utf8'))),
    );
    const members = (await Promise.all(read)).flatMap(({ data }) => (data ? [data] : []));
    return members.sort((a, b) => a.issuedAt - b.issuedAt || a.key.localeCompare(b.key));
  }

  /**
   * Voids keys: by public key, worker's id or account.
   * @returns those that were valid until now
   * @throws AipgError `usage` when nobody goes by that name
   */
  async revoke(who: string): Promise<Issued[]> {
    const named = (await this.members()).filter(
      ({ key, worker, account }) => who === key || who === worker || who === account,
    );
    if (named.length === 0) {
      throw new AipgError('usage', `No key of ${this.name} belongs to ${who}.`, {
        hint: 'See who has one: aipg grid keys',
      });
    }
    const valid = named.filter(({ revokedAt }) => revokedAt === undefined);
    const revoked = valid.map((member) => ({ ...member, revokedAt: this.#seconds() }));
    for (const member of revoked) await this.#record(member);
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

  async #record(member: Issued): Promise<void> {
    const file = join(this.membersDir, `${member.key}.json`);
    // Renamed into place, so that nobody reads half of it.
    await writeFile(`${file}.new`, stringify(member), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1_000);
  }
}

const GRID_FILE = 'grid.json';

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
  // The account for the reader, the key for what nobody else can have.
  return { role, account, key, worker: workerIdOf(account.slice(0, 40), key) };
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

function stringify(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
