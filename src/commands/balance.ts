import process from 'node:process';
import { BaseCommand } from '../cli/base-command.ts';
import { balanceText, writeJson } from '../cli/credits-view.ts';
import { gridFlag } from '../cli/flags.ts';
import { openCredits } from '../cli/open-credits.ts';

export default class Balance extends BaseCommand {
  static override summary = 'Tell what credits your account has on a grid.';
  static override examples = ['<%= config.bin %> balance', '<%= config.bin %> balance --json'];
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(Balance);
    await using credits = await openCredits(flags.grid);
    const balance = await credits.balance();
    if (flags.json) writeJson({ grid: credits.name, ...balance });
    else process.stdout.write(balanceText(balance));
  }
}
