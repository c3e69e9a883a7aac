import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fromSeed,
  type KeyPair,
  type OperatorLimits,
} from '@nats-io/jwt';
import { type Credentials, memberTags, readCredentials } from '../protocol/credentials.ts';
import { type Member, permissionsOf } from '../protocol/permissions.ts';

// NATS's own decentralised JWTs: the operator's key vouches for the grid's account, whose key vouches for its members.

/** The secrets of a grid, as seeds. */
export interface GridKeys {
  readonly operator: string;
  readonly account: string;
  readonly system: string;
}

/** What a nats-server must know to tell who is who; nothing of it is secret. */
export interface ServerTrust {
  readonly operatorJwt: string;
  readonly systemAccount: string;
  /** JWTs by the account's public key. */
  readonly accounts: Readonly<Record<string, string>>;
}

const UNLIMITED: OperatorLimits = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
  mem_storage: -1,
  disk_storage: -1,
  streams: -1,
  consumer: -1,
};

export function newGridKeys(): GridKeys {
  return {
    operator: seedOf(createOperator()),
    account: seedOf(createAccount()),
    system: seedOf(createAccount()),
  };
}

/** The operator's and the system account's JWTs, made once: a server that runs takes no other. */
export async function signTrust(
  name: string,
  keys: GridKeys,
): Promise<Pick<ServerTrust, 'operatorJwt' | 'systemAccount' | 'accounts'>> {
  const operator = keyPair(keys.operator);
  const system = keyPair(keys.system);
  const systemAccount = system.getPublicKey();
  return {
    operatorJwt: await encodeOperator(name, operator, { system_account: systemAccount }),
    systemAccount,
    accounts: { [systemAccount]: await encodeAccount('SYS', system, {}, { signer: operator }) },
  };
}

/** @param revocations by public key, the second since 1970 up to which its JWTs are void */
export async function signAccount(
  name: string,
  keys: GridKeys,
  revocations: Readonly<Record<string, number>>,
): Promise<{ readonly key: string; readonly jwt: string }> {
  const account = keyPair(keys.account);
  const claims = { limits: UNLIMITED, revocations: { ...revocations } };
  const jwt = await encodeAccount(name, account, claims, { signer: keyPair(keys.operator) });
  return { key: account.getPublicKey(), jwt };
}

/**
 * A new key with the rights of its role and no other.
 * @param describe the member, once its public key is known
 * @param expiresAt seconds since 1970; absent: never
 */
export async function newMember(
  keys: GridKeys,
  describe: (key: string) => Member,
  expiresAt?: number,
): Promise<Credentials> {
  const user = createUser();
  const member = describe(user.getPublicKey());
  const { publish, subscribe, neverPublish } = permissionsOf(member);
  const jwt = await encodeUser(
    member.worker ?? `${member.account} (${member.role})`,
    user,
    keyPair(keys.account),
    {
      pub: { allow: [...publish], deny: [...neverPublish] },
      sub: { allow: [...subscribe] },
      tags: memberTags(member),
    },
    expiresAt === undefined ? {} : { exp: expiresAt },
  );
  return readCredentials(jwt, seedOf(user));
}

export function publicKeyOf(seed: string): string {
  return keyPair(seed).getPublicKey();
}

function keyPair(seed: string): KeyPair {
  return fromSeed(new TextEncoder().encode(seed));
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}
