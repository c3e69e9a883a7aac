import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { gridFlag, numberFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';
import { paint } from '../../cli/terminal.ts';

export default class LedgerRoot extends BaseCommand {
  static override summary =
    "Tell the daily Merkle roots of a grid's ledger, the newest first, and its last entry.";
  static override examples = ['<%= config.bin %> ledger root', '<%= config.bin %> ledger root -n 1 --json'];
  static override flags = {
    grid: gridFlag,
    limit: numberFlag('limit', { min: 1, max: 200, integer: true })({
      char: 'n',
      description: 'Most roots to tell.',
      default: 7,
      helpValue: 'N',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LedgerRoot);
    await using credits = await openCredits(flags.grid);
    const { head, roots } = await credits.roots(flags.limit);
    if (flags.json) {
      writeJson({ grid: credits.name, head, roots });
      return;
    }
    const { dim } = paint(process.stdout);
    for (const { day, root, count } of roots)
      process.stdout.write(`${day}  ${root}  ${dim(`${count} entries`)}\n`);
    process.stdout.write(`${dim('now'.padEnd(10))}  ${head.hash}  ${dim(`entry ${head.n}`)}\n`);
  }
}
