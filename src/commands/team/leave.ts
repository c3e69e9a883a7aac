import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { gridFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';

export default class TeamLeave extends BaseCommand {
  static override summary = 'Take your account out of its team; what it did stays counted there.';
  static override examples = ['<%= config.bin %> team leave'];
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(TeamLeave);
    await using credits = await openCredits(flags.grid);
    await credits.joinTeam(null);
    if (flags.json) writeJson({ grid: credits.name, team: null });
    else process.stderr.write('Your account is in no team now.\n');
  }
}
