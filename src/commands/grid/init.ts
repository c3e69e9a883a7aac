import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { readPem } from '../../cli/certificate-files.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { busUrlSchema } from '../../runtime/config/settings.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class GridInit extends BaseCommand {
  static override summary = 'Make the keys of a new grid that others can join.';
  static override description =
    `Makes the operator's, the account's and the system's key, and a profile for you as its operator.
Keep a copy of the folder that it names: without these keys nobody can be invited or revoked.`;
  static override examples = [
    '<%= config.bin %> grid init home --url tls://192.168.1.10:4222',
    '<%= config.bin %> grid init home --url tls://grid.example:4222 --tls-ca system',
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'How the grid is called.' }),
  };
  static override flags = {
    url: Flags.string({
      required: true,
      description: 'Where its members will reach the bus: tls://, or nats:// in the clear.',
      helpValue: 'tls://HOST:PORT',
    }),
    'tls-ca': Flags.string({
      description:
        'The CA of a certificate of your own, for `aipg up --tls-cert`; `system`: one that every machine trusts. Default: one is made.',
      helpValue: 'FILE|system',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GridInit);
    if (!busUrlSchema.safeParse(flags.url).success) {
      throw new AipgError('usage', `${flags.url} is not the address of a bus.`, {
        hint: 'Write it as tls://host:port.',
      });
    }
    const paths = resolvePaths();
    const choice = flags['tls-ca'];
    if (choice !== undefined && !flags.url.startsWith('tls://')) {
      throw new AipgError('usage', '--tls-ca is for a grid whose address is tls://host:port.');
    }
    const ca =
      choice === undefined || choice === 'system' ? choice : { cert: await readPem('--tls-ca', choice) };
    const [{ Authority, OPERATOR }, { addMemberProfile, assertFree }, { fingerprintOf }] = await Promise.all([
      import('../../runtime/identity/authority.ts'),
      import('../../runtime/identity/join.ts'),
      import('../../runtime/identity/tls.ts'),
    ]);
    assertFree(paths, args.name);
    const authority = await Authority.create(paths, args.name, flags.url, { ca });
    const pinned = await authority.certificates.ca();
    const credentials = await authority.issue({ role: 'operator', name: OPERATOR });
    await addMemberProfile(paths, args.name, { url: flags.url, name: OPERATOR, ca: pinned, credentials });
    const { dir } = authority;
    const fingerprint = pinned === undefined ? undefined : fingerprintOf(pinned);
    if (flags.json) {
      process.stdout.write(
        `${JSON.stringify({ grid: args.name, url: flags.url, keys: dir, caFingerprint: fingerprint })}\n`,
      );
    } else {
      process.stderr.write(
        `The keys of ${args.name} are in ${dir}, readable for you alone. Keep a copy.\n` +
          (fingerprint === undefined ? '' : `Its CA has the fingerprint ${fingerprint} (SHA-256).\n`) +
          `Open it with \`aipg up --listen HOST:PORT\`, invite with \`aipg grid invite --role worker\`.\n`,
      );
    }
  }
}
