import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { readStdin } from '../../cli/prompt.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class GridJoin extends BaseCommand {
  static override summary = 'Take an invitation: remember the grid and the key to it.';
  static override description =
    `The invitation comes on stdin, from a file or from AIPG_INVITATION. It is never an argument, which other users of this machine could read.
The first grid that is added becomes the default.`;
  static override examples = [
    '<%= config.bin %> grid join < alice.invitation',
    '<%= config.bin %> grid join --file alice.invitation --name home',
  ];
  static override flags = {
    file: Flags.string({ description: 'The invitation.', helpValue: 'FILE' }),
    name: Flags.string({
      description: 'How you will call the grid. Default: its own name.',
      helpValue: 'NAME',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(GridJoin);
    const paths = resolvePaths();
    using stop = stopSignal();
    const text = await readInvitation(flags.file, stop.signal);
    const [{ parseInvitation }, { addMemberProfile }, { fingerprintOf }] = await Promise.all([
      import('../../runtime/identity/invitation.ts'),
      import('../../runtime/identity/join.ts'),
      import('../../runtime/identity/tls.ts'),
    ]);
    const { grid, ...membership } = parseInvitation(text);
    const { url, credentials, ca } = membership;
    const caFingerprint = ca === undefined ? undefined : fingerprintOf(ca);
    const name = flags.name ?? grid;
    const settings = await addMemberProfile(paths, name, membership);
    const { role, account, worker, expiresAt } = credentials;
    if (flags.json) {
      const isDefault = settings.grid === name;
      const accountName = membership.name;
      const joined = {
        ...{ grid: name, url, role, account, accountName, worker, expiresAt },
        ...{ caFingerprint, default: isDefault },
      };
      process.stdout.write(`${JSON.stringify(joined)}\n`);
      return;
    }
    const note = settings.grid === name ? ' It is the default now.' : '';
    const next = role === 'worker' ? `aipg worker --grid ${name}` : `aipg status --grid ${name}`;
    if (caFingerprint !== undefined) {
      process.stderr.write(`Its CA has the fingerprint ${caFingerprint} (SHA-256).\n`);
    }
    process.stderr.write(
      `Joined ${name} at ${url} as ${role} of ${membership.name ?? account}.${note} Next: \`${next}\`\n`,
    );
  }
}

async function readInvitation(file: string | undefined, signal: AbortSignal): Promise<string> {
  if (file !== undefined) {
    return readFile(file, 'utf8').catch((cause: Error) => {
      throw new AipgError('usage', `The invitation in ${file} cannot be read (${cause.message}).`);
    });
  }
  const given = process.env['AIPG_INVITATION'];
  if (given) return given;
  if (process.stdin.isTTY) process.stderr.write('Paste the invitation, then Enter and Ctrl-D:\n');
  return (await readStdin({ wanted: true, signal })) ?? '';
}
