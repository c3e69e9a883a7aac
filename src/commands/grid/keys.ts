import process from 'node:process';
import { authorityFlags } from '../../cli/authority-flags.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { describeLimits } from '../../cli/key-limits.ts';
import { paint } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import type { Issued } from '../../runtime/identity/authority.ts';

export default class GridKeys extends BaseCommand {
  static override summary = 'List the keys that were given away: whose they are, roles, public keys.';
  static override examples = ['<%= config.bin %> grid keys', '<%= config.bin %> grid keys --json'];
  static override flags = { ...authorityFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(GridKeys);
    const { Authority } = await import('../../runtime/identity/authority.ts');
    const authority = await Authority.open(resolvePaths(), flags.of);
    const members = await authority.members();
    const now = Date.now() / 1_000;
    const rows = members.map((member) => ({ ...member, status: statusOf(member, now) }));
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ grid: authority.name, url: authority.url, keys: rows })}\n`);
      return;
    }
    const { bold, green, red, dim } = paint(process.stdout);
    process.stdout.write(`${bold(authority.name)} ${dim(authority.url)}\n`);
    const width = Math.max(0, ...rows.map(({ name }) => name.length));
    for (const { role, name, account, worker, key, status, limits } of rows) {
      const mark = status === 'valid' ? green(status.padEnd(7)) : red(status.padEnd(7));
      process.stdout.write(
        `${mark}  ${role.padEnd(8)}  ${name.padEnd(width)}  ${worker ?? account}  ${dim(key)}${limits ? `  ${describeLimits(limits)}` : ''}\n`,
      );
    }
  }
}

function statusOf({ revokedAt, expiresAt }: Issued, now: number): 'valid' | 'expired' | 'revoked' {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'valid';
}
