import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCredentials, writeCredentials } from '../../../src/runtime/config/credentials.ts';
import type { Paths } from '../../../src/runtime/config/paths.ts';
import { Authority } from '../../../src/runtime/identity/authority.ts';
import { formatInvitation, parseInvitation } from '../../../src/runtime/identity/invitation.ts';
import { formatCredentials, parseCredentials } from '../../../src/runtime/protocol/credentials.ts';
import { accountNameSchema, accountSchema, workerIdSchema } from '../../../src/runtime/protocol/ids.ts';
import { type Member, permissionsOf, RIGHTS, ROLES } from '../../../src/runtime/protocol/permissions.ts';
import { OpenGrid } from '../../support/open-grid.ts';

let dir: string;
let paths: Paths;
let authority: Authority;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-identity-'));
  paths = { config: dir, data: dir, cache: dir, state: dir };
  authority = await Authority.create(paths, 'home', 'nats://grid.example:4222');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const alice = accountNameSchema.parse('alice');

/** Whether two patterns have a subject in common. */
function overlap(a: readonly string[], b: readonly string[]): boolean {
  const [[x, ...restA], [y, ...restB]] = [a, b];
  if (x === '>' || y === '>') return a.length > 0 && b.length > 0;
  if (x === undefined || y === undefined) return x === y;
  return (x === '*' || y === '*' || x === y) && overlap(restA, restB);
}

const token = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,12}$/);
const members = fc.record({
  role: fc.constantFrom('user', 'worker', 'monitor') as fc.Arbitrary<Member['role']>,
  account: token.map((text) => accountSchema.parse(text)),
  worker: token.map((text) => workerIdSchema.parse(text)),
  key: fc.stringMatching(/^U[A-Z2-7]{10}$/),
});

describe('the rights', () => {
  test('of two accounts never let one listen to what is told to the other', () => {
    fc.assert(
      fc.property(members, members, (one, other) => {
        fc.pre(one.account !== other.account && one.worker !== other.worker && one.key !== other.key);
        const own = permissionsOf(one).subscribe.map((subject) => subject.split('.'));
        const others = permissionsOf(other).subscribe.map((subject) => subject.split('.'));
        return own.every((a) => others.every((b) => !overlap(a, b)));
      }),
    );
  });

  test('of one that is not trusted with the grid name no part of JetStream or of the server', () => {
    for (const role of ['user', 'worker', 'monitor'] as const) {
      const subjects = RIGHTS[role].map(({ subject }) => subject);
      expect(subjects.filter((subject) => subject.startsWith('$') || /^[*>]/.test(subject))).toEqual([]);
    }
  });

  test('need the id of a worker', () => {
    expect(() => permissionsOf({ role: 'worker', account: accountSchema.parse('a'), key: 'U' })).toThrow(
      'needs a worker',
    );
  });
});

describe('the keys of a grid', () => {
  test('lie in files that their user alone can read', async () => {
    for (const name of await readdir(authority.dir)) {
      const { mode } = await stat(join(authority.dir, name));
      expect(mode & 0o077).toBe(0);
    }
  });

  test('are not made twice', async () => {
    await expect(Authority.create(paths, 'home', 'nats://x:1')).rejects.toMatchObject({ code: 'usage' });
  });

  test('are listed without their secrets; a worker has an id of its own key', async () => {
    const { key, worker, seed } = await authority.issue({ role: 'worker', name: alice });
    const listed = (await authority.members()).find((member) => member.key === key);
    expect(listed).toMatchObject({ role: 'worker', name: 'alice', worker });
    expect(worker).toBe(`w-${key.slice(1, 13).toLowerCase()}`);
    expect(JSON.stringify(listed)).not.toContain(seed());
  });
});

describe('an account', () => {
  test('has one id for all its keys, which tells nothing of its name', async () => {
    const named = { name: accountNameSchema.parse('grace') };
    const issued = await Promise.all(ROLES.map((role) => authority.issue({ role, ...named })));
    const [id] = issued.map(({ account }) => account);
    expect(id).toMatch(/^a[0-9a-z]{20}$/);
    for (const { account, jwt } of issued) {
      expect(account).toBe(id);
      expect(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).not.toContain('grace');
    }
    expect((await authority.members()).filter(({ name }) => name === 'grace')).toHaveLength(ROLES.length);
    expect(await (await Authority.open(paths, 'home')).account(named.name)).toBe(id);
  });

  test('with keys from before there were ids keeps its name for one', async () => {
    const older = await Authority.create(paths, 'older', 'nats://grid.example:4222');
    const { key } = await older.issue({ role: 'user', name: alice });
    const file = join(older.membersDir, `${key}.json`);
    const { name, ...record } = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...record, account: name }));
    await rm(join(older.dir, 'accounts'), { recursive: true });
    const opened = await Authority.open(paths, 'older');
    expect(await opened.members()).toMatchObject([{ name: 'alice', account: 'alice' }]);
    expect((await opened.issue({ role: 'user', name: alice })).account).toBe('alice');
    expect((await opened.issue({ role: 'user', name: accountNameSchema.parse('bob') })).account).not.toBe(
      'bob',
    );
    await rm(older.dir, { recursive: true });
  });
});

describe('a key', () => {
  test.each(ROLES)('of a %s comes back from its file and its invitation', async (role) => {
    const credentials = await authority.issue({ role, name: alice, expiresAt: 4_000_000_000 });
    const fromFile = parseCredentials(formatCredentials(credentials));
    const line = formatInvitation({ grid: 'home', url: 'nats://a:1', name: alice, credentials });
    expect(line).not.toMatch(/\s/);
    const invited = parseInvitation(`${line}\n`);
    expect(invited).toMatchObject({ grid: 'home', url: 'nats://a:1', name: 'alice' });
    for (const read of [fromFile, invited.credentials]) {
      expect(read).toMatchObject({
        role,
        account: credentials.account,
        key: credentials.key,
        expiresAt: 4_000_000_000,
      });
      expect(read.seed()).toBe(credentials.seed());
    }
  });

  test('is not printed with the object that holds it', async () => {
    const credentials = await authority.issue({ role: 'user', name: alice });
    expect(JSON.stringify(credentials)).not.toContain(credentials.seed());
  });

  test('in a file that others can read is refused', async () => {
    const file = join(dir, 'open.creds');
    writeCredentials(file, await authority.issue({ role: 'user', name: alice }));
    expect(loadCredentials(file).account).toBe(await authority.account(alice));
    const { chmod } = await import('node:fs/promises');
    await chmod(file, 0o644);
    expect(() => loadCredentials(file)).toThrow('can be read by others');
  });

  test('is refused when damaged, and no part of it is repeated', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseInvitation(`aipg-invitation-1.${text}`)).toThrow('not an invitation');
        expect(() => parseCredentials(text)).toThrow('damaged');
      }),
    );
  });
});

describe('a bus that asks for keys', () => {
  let grid: OpenGrid;
  beforeAll(async () => {
    grid = await OpenGrid.start();
  });
  afterAll(() => grid[Symbol.asyncDispose]());

  test('lets nobody in without one, nor with that of another grid', async () => {
    const { connectBus } = await import('../../../src/runtime/bus/connect.ts');
    const refused = connectBus({ url: grid.server.url, name: 'nobody' });
    await expect(refused).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining('asks for a key'),
    });
    const foreign = await authority.issue({ role: 'operator', name: alice });
    await expect(grid.connect(foreign)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('is not talked to in the clear by who asks for TLS', async () => {
    const { connectBus } = await import('../../../src/runtime/bus/connect.ts');
    const credentials = await grid.member('user', 'alice');
    const url = grid.server.url.replace('nats://', 'tls://');
    const refused = connectBus({ url, name: 'careful', credentials });
    await expect(refused).rejects.toMatchObject({
      code: 'grid-unreachable',
      message: expect.stringContaining('tls'),
    });
  });

  test('lets nobody in whose key has expired', async () => {
    const expired = await grid.member('user', 'alice', Math.floor(Date.now() / 1_000) - 1);
    await expect(grid.connect(expired)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('cuts off who is revoked, and nobody else', async () => {
    const [bob, carol] = [await grid.member('user', 'bob'), await grid.member('user', 'carol')];
    const [revoked, kept] = [await grid.connect(bob), await grid.connect(carol)];
    await grid.authority.revoke('bob');
    await grid.server.reload();
    await revoked.closed();
    await expect(grid.connect(bob)).rejects.toMatchObject({ code: 'not-permitted' });
    await kept.flush();
    expect(kept.isClosed()).toBe(false);
  });

  test('gives the role of a key no more than it says', async () => {
    const { openGrid } = await import('../../../src/runtime/grids/open.ts');
    const credentials = await grid.member('monitor', 'ops');
    const choice = {
      where: 'bus',
      name: 'test',
      url: grid.server.url,
      account: credentials.account,
      credentials,
    } as const;
    const opened = openGrid({ choice, paths, env: {} });
    await expect(opened).rejects.toMatchObject({ code: 'not-permitted' });
  });
});
