import process from 'node:process';
import { BaseCommand } from '../cli/base-command.ts';
import { earningsText, writeJson } from '../cli/credits-view.ts';
import { gridFlag } from '../cli/flags.ts';
import { openCredits } from '../cli/open-credits.ts';

export default class Earnings extends BaseCommand {
  static override summary = 'Tell what your workers have earned: today, in 7 days, by model, per hour.';
  static override examples = [
    '<%= config.bin %> earnings',
    "<%= config.bin %> earnings --json | jq '.days[] | [.day, .earned]'",
  ];
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(Earnings);
    await using credits = await openCredits(flags.grid);
    const earnings = await credits.earnings();
    if (flags.json) writeJson({ grid: credits.name, ...earnings });
    else process.stdout.write(earningsText(earnings));
  }
}
