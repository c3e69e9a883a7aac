import process from 'node:process';
import { Flags } from '@oclif/core';
import { authorityFlags } from '../../cli/authority-flags.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { ageFlag } from '../../cli/flags.ts';
import { readLimits } from '../../cli/key-limits.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';
import { accountNameSchema } from '../../runtime/protocol/ids.ts';
import { ROLES } from '../../runtime/protocol/permissions.ts';

export default class GridInvite extends BaseCommand {
  static override summary = 'Make a key for a new member and print it as an invitation.';
  static override description =
    `The invitation is one line on stdout and holds the key: whoever has it is the member. Send it by a way that you trust.
A worker's key serves one worker process; make one for each.`;
  static override examples = [
    '<%= config.bin %> grid invite --role worker --account alice > alice.invitation',
    '<%= config.bin %> grid invite --role user --account bob --expires 30d',
    '<%= config.bin %> grid invite --role user --account guest --models aipg-tiny --max-rate 20/min',
  ];
  static override flags = {
    role: Flags.option({ options: ROLES, required: true, description: 'What the key may do.' })(),
    account: Flags.string({
      description: 'Whose key it is. Keys of one account see the same jobs. Default: the role.',
      helpValue: 'NAME',
    }),
    expires: ageFlag('expires')({
      description: 'How long it is valid, such as 30d. Default: until it is revoked.',
      helpValue: 'AGE',
    }),
    models: Flags.string({
      description: 'The only models that a user may ask for or a worker may serve, with commas.',
      helpValue: 'NAME,…',
    }),
    'max-rate': Flags.string({
      description: 'The most jobs that a user may submit with this key, such as 60/min.',
      helpValue: 'N/min',
    }),
    ...authorityFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(GridInvite);
    if (flags.role === 'user' && flags.account === undefined) {
      throw new AipgError('usage', 'An invitation for a user needs --account NAME.', {
        hint: 'Keys of one account see the same jobs and answers.',
      });
    }
    const limits = await readLimits(flags);
    const named = accountNameSchema.safeParse(flags.account ?? flags.role);
    if (!named.success) {
      throw new AipgError('usage', `--account ${named.error.issues[0]?.message}.`);
    }
    const [{ Authority }, { formatInvitation }] = await Promise.all([
      import('../../runtime/identity/authority.ts'),
      import('../../runtime/identity/invitation.ts'),
    ]);
    const authority = await Authority.open(resolvePaths(), flags.of);
    const expiresAt =
      flags.expires === undefined ? undefined : Math.floor((Date.now() + flags.expires) / 1_000);
    const name = named.data;
    const credentials = await authority.issue({ role: flags.role, name, expiresAt, limits });
    const ca = await authority.certificates.ca();
    const invitation = formatInvitation({
      grid: authority.name,
      url: authority.url,
      name,
      ca,
      credentials,
    });
    const { key, role, account, worker } = credentials;
    if (flags.json) {
      const made = { grid: authority.name, role, name, account, worker, key, expiresAt, limits, invitation };
      process.stdout.write(`${JSON.stringify(made)}\n`);
      return;
    }
    process.stdout.write(`${invitation}\n`);
    const whose = worker === undefined ? name : `${worker} of ${name}`;
    process.stderr.write(`A key for the ${role} ${whose}. Taken by \`aipg grid join\`.\n`);
  }
}
