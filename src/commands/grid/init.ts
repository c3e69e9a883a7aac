import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { busUrlSchema } from '../../runtime/config/settings.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class GridInit extends BaseCommand {
  static override summary = 'Make the keys of a new grid that others can join.';
  static override description =
    `Makes the operator's, the account's and the system's key, and a profile for you as its operator.
Keep a copy of the folder that it names: without these keys nobody can be invited or revoked.`;
  static override examples = ['<%= config.bin %> grid init home --url nats://192.168.1.10:4222'];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'How the grid is called.' }),
  };
  static override flags = {
    url: Flags.string({
      required: true,
      description: 'Where its members will reach the bus.',
      helpValue: 'nats://HOST:PORT',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GridInit);
    if (!busUrlSchema.safeParse(flags.url).success) {
      throw new AipgError('usage', `${flags.url} is not the address of a bus.`, {
        hint: 'Write it as nats://host:port.',
      });
    }
    const paths = resolvePaths();
    const [{ Authority, OPERATOR }, { addMemberProfile, assertFree }] = await Promise.all([
      import('../../runtime/identity/authority.ts'),
      import('../../runtime/identity/join.ts'),
    ]);
    assertFree(paths, args.name);
    const authority = await Authority.create(paths, args.name, flags.url);
    const credentials = await authority.issue({ role: 'operator', name: OPERATOR });
    await addMemberProfile(paths, args.name, { url: flags.url, name: OPERATOR, credentials });
    const { dir } = authority;
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ grid: args.name, url: flags.url, keys: dir })}\n`);
    } else {
      process.stderr.write(
        `The keys of ${args.name} are in ${dir}, readable for you alone. Keep a copy.\n` +
          `Open it with \`aipg up --listen HOST:PORT\`, invite with \`aipg grid invite --role worker\`.\n`,
      );
    }
  }
}
