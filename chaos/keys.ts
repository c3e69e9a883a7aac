import type { BusTrust } from '../src/runtime/bus/server/server-config.ts';
import { CREDENTIALS_VARIABLE } from '../src/runtime/config/credentials.ts';
import { Authority } from '../src/runtime/identity/authority.ts';
import { type Credentials, formatCredentials } from '../src/runtime/protocol/credentials.ts';
import { accountNameSchema } from '../src/runtime/protocol/ids.ts';
import { PROCESSES, type Role } from './plan.ts';

/** The keys of a grid that asks for them, made as `aipg grid init` and `aipg grid invite` make them. */
export interface ChaosKeys {
  /** What the bus must know. */
  readonly trust: BusTrust;
  /** Of the harness, which reads everything and changes nothing. */
  readonly operator: Credentials;
  /** Of each place; a process that takes another's place has its key, as on a machine that starts again. */
  readonly members: Readonly<Record<Role, readonly Credentials[]>>;
}

/** Owners of workers that ask, too: the first client's account has the first worker. */
const OWNERS = 1;

const ROLES = { director: 'director', worker: 'worker', client: 'user' } as const;

/** @param folder where the operator keeps them */
export async function makeKeys(folder: string): Promise<ChaosKeys> {
  const paths = { config: folder, data: folder, cache: folder, state: folder };
  const authority = await Authority.create(paths, 'chaos', 'nats://127.0.0.1:4222');
  const membersOf = (role: Role) =>
    Promise.all(
      Array.from({ length: PROCESSES[role] }, (_, index) =>
        authority.issue({
          role: ROLES[role],
          name: accountNameSchema.parse(
            `${role === 'worker' && index < OWNERS ? 'client' : role}-${index + 1}`,
          ),
        }),
      ),
    );
  return {
    operator: await authority.issue({ role: 'operator', name: accountNameSchema.parse('harness') }),
    members: {
      director: await membersOf('director'),
      worker: await membersOf('worker'),
      client: await membersOf('client'),
    },
    trust: await authority.trust(),
  };
}

/** How a process gets its key: out of sight of other processes. */
export function environmentOf(credentials: Credentials | undefined): NodeJS.ProcessEnv {
  return credentials ? { [CREDENTIALS_VARIABLE]: formatCredentials(credentials) } : {};
}
