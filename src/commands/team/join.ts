import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseTeam } from '../../cli/credits-args.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { gridFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';

export default class TeamJoin extends BaseCommand {
  static override summary = 'Put your account into a team, instead of the one that it is in.';
  static override examples = ['<%= config.bin %> team join red-pandas'];
  static override args = {
    team: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'Its name; a new one makes a team.',
    }),
  };
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TeamJoin);
    const team = parseTeam(args.team);
    await using credits = await openCredits(flags.grid);
    await credits.joinTeam(team);
    if (flags.json) writeJson({ grid: credits.name, team });
    else process.stderr.write(`Your account is in team ${team} now.\n`);
  }
}
