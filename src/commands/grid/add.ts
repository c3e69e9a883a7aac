import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { numberFlag } from '../../cli/flags.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { addProfile } from '../../runtime/config/profiles.ts';
import { profileSchema } from '../../runtime/config/settings.ts';
import { describeIssue } from '../../runtime/protocol/codec.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class GridAdd extends BaseCommand {
  static override summary = 'Remember a grid by a name.';
  static override description = 'The first grid that is added becomes the default.';
  static override examples = [
    '<%= config.bin %> grid add home nats://192.168.1.10:4222',
    '<%= config.bin %> grid add big nats://a:4222,nats://b:4222,nats://c:4222 --replicas 3',
  ];

  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'How you will call it.' }),
    url: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'Its bus: nats://host:port, several with commas.',
    }),
  };

  static override flags = {
    account: Flags.string({ description: 'The account to use there.', default: 'local', helpValue: 'NAME' }),
    replicas: numberFlag('replicas', { min: 1, max: 5, integer: true })({
      description:
        'Copies of everything in a cluster, made by directors and workers that use this profile: 3 of 3 nodes.',
      helpValue: 'N',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GridAdd);
    const profile = profileSchema.safeParse({
      url: args.url,
      account: flags.account,
      replicas: flags.replicas,
    });
    if (!profile.success)
      throw new AipgError('usage', `A grid's ${describeIssue(profile.error).replace(':', '')}.`);
    const settings = await addProfile(resolvePaths(), args.name, profile.data);
    const note = settings.grid === args.name ? ' It is the default now.' : '';
    if (flags.json) process.stdout.write(`${JSON.stringify(settings)}\n`);
    else process.stderr.write(`Added ${args.name}.${note}\n`);
  }
}
