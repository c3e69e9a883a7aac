import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCredentials } from '../../src/runtime/config/credentials.ts';
import { Authority } from '../../src/runtime/identity/authority.ts';
import { accountNameSchema } from '../../src/runtime/protocol/ids.ts';
import type { Role } from '../../src/runtime/protocol/permissions.ts';

/** The keys of a grid that a benchmark opens, as `aipg grid init` makes them, and files with those of its members. */
export interface BenchKeys extends AsyncDisposable {
  readonly authority: Authority;
  /** @returns the file with a new key */
  member(role: Role, account: string): Promise<string>;
}

export async function makeKeys(): Promise<BenchKeys> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-keys-'));
  const paths = { config: folder, data: folder, cache: folder, state: folder };
  const authority = await Authority.create(paths, 'bench', 'nats://127.0.0.1:4222');
  return {
    authority,
    member: async (role, account) => {
      const file = join(folder, `${role}-${account}.creds`);
      writeCredentials(file, await authority.issue({ role, name: accountNameSchema.parse(account) }));
      return file;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
