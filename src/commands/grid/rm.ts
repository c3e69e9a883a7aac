import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { removeProfile } from '../../runtime/config/profiles.ts';

export default class GridRm extends BaseCommand {
  static override summary = 'Forget a grid.';
  static override examples = ['<%= config.bin %> grid rm home'];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'A known grid.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GridRm);
    const settings = await removeProfile(resolvePaths(), args.name);
    if (flags.json) process.stdout.write(`${JSON.stringify(settings)}\n`);
    else process.stderr.write(`Removed ${args.name}.\n`);
  }
}
