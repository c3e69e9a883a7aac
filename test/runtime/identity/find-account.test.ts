import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Paths } from '../../../src/runtime/config/paths.ts';
import { Authority } from '../../../src/runtime/identity/authority.ts';
import { demandId, findAccount } from '../../../src/runtime/identity/find-account.ts';
import { addMemberProfile } from '../../../src/runtime/identity/join.ts';
import type { Credentials } from '../../../src/runtime/protocol/credentials.ts';
import { accountNameSchema, LOCAL_ACCOUNT, newAccountId } from '../../../src/runtime/protocol/ids.ts';

const URL = 'nats://127.0.0.1:4222';
const [ALICE, BOB] = ['alice', 'bob'].map((name) => accountNameSchema.parse(name)) as [never, never];

let dir: string;
let operator: Paths;
let member: Paths;
let authority: Authority;
let alice: Credentials;
let bob: Credentials;

const homeOf = (name: string): Paths => ({
  config: join(dir, name),
  data: join(dir, name),
  cache: join(dir, name),
  state: join(dir, name),
});
const choice = () => ({ account: bob.account, credentials: bob });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-find-account-'));
  operator = homeOf('operator');
  member = homeOf('member');
  authority = await Authority.create(operator, 'home', URL);
  alice = await authority.issue({ role: 'user', name: ALICE });
  bob = await authority.issue({ role: 'user', name: BOB });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('an account of a grid with keys', () => {
  test("is known by name and by id where the operator's keys are", async () => {
    const { account: id } = alice;
    expect(await findAccount(operator, choice(), 'alice')).toEqual({ id, isKnown: true, name: 'alice' });
    expect(await findAccount(operator, choice(), id)).toEqual({ id, isKnown: true });
  });

  test('is known by the name of a profile of the same grid', async () => {
    await addMemberProfile(member, 'one', { url: URL, name: ALICE, credentials: alice });
    expect(await findAccount(member, choice(), 'alice')).toMatchObject({ id: alice.account, isKnown: true });
    const other = await Authority.create(homeOf('other'), 'other', URL);
    const elsewhere = await other.issue({ role: 'user', name: BOB });
    const found = await findAccount(member, { account: elsewhere.account, credentials: elsewhere }, 'alice');
    expect(found).toEqual({ id: 'alice', isKnown: false });
  });

  test('is looked up, not made', async () => {
    await findAccount(operator, choice(), 'nobody');
    expect(await authority.find('nobody')).toBeUndefined();
  });

  test('that nobody knows can be new by an id only', async () => {
    const [slip, stranger] = await Promise.all([
      findAccount(member, choice(), 'alcie'),
      findAccount(member, choice(), newAccountId()),
    ]);
    expect(slip).toEqual({ id: 'alcie', isKnown: false });
    expect(() => demandId(slip, choice())).toThrow('This machine knows no account named alcie.');
    expect(() => demandId(stranger, choice())).not.toThrow();
    await expect(findAccount(member, choice(), 'not/one')).rejects.toMatchObject({ code: 'usage' });
  });
});

test('an account of a grid without keys goes by its name', async () => {
  const without = { account: LOCAL_ACCOUNT, credentials: undefined };
  expect(await findAccount(member, without, 'bob')).toEqual({ id: 'bob', isKnown: false });
  expect(await findAccount(member, without, 'local')).toEqual({ id: 'local', isKnown: true });
  expect(() => demandId({ id: bob.account, isKnown: false }, without)).not.toThrow();
});
