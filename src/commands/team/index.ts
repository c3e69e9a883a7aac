import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { teamsText, writeJson } from '../../cli/credits-view.ts';
import { gridFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';

export default class Team extends BaseCommand {
  static override summary = 'Tell what teams have earned and used, the best first.';
  static override description =
    'What an account does counts for the team that it is in at that time. Your own team has a star.';
  static override examples = [
    '<%= config.bin %> team',
    "<%= config.bin %> team --json | jq -r '.teams[] | [.team, .earned] | @tsv'",
  ];
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(Team);
    await using credits = await openCredits(flags.grid);
    const teams = await credits.teams();
    if (flags.json) writeJson({ grid: credits.name, ...teams });
    else process.stdout.write(teamsText(teams));
  }
}
