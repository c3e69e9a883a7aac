import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { setDefaultProfile } from '../../runtime/config/profiles.ts';

export default class GridUse extends BaseCommand {
  static override summary = 'Make a grid the default.';
  static override description =
    'A grid that runs on this machine, AIPG_GRID and --grid come before the default.';
  static override examples = ['<%= config.bin %> grid use home'];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'A known grid.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GridUse);
    const settings = await setDefaultProfile(resolvePaths(), args.name);
    if (flags.json) process.stdout.write(`${JSON.stringify(settings)}\n`);
    else process.stderr.write(`${args.name} is the default now.\n`);
  }
}
