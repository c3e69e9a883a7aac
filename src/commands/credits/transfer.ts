import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { movementArgs, movementFlags } from '../../cli/credits-args.ts';
import { moveCredits } from '../../cli/credits-movement.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { formatCredits } from '../../runtime/protocol/credits.ts';

export default class CreditsTransfer extends BaseCommand {
  static override summary = 'Give credits of your account to another.';
  static override examples = [
    '<%= config.bin %> credits transfer a4w0t6n2v8m1x3c5z7b9 2.5 --memo "for Tuesday"',
    '<%= config.bin %> credits transfer a4w0t6n2v8m1x3c5z7b9 2.5 --new',
  ];
  static override args = movementArgs;
  static override flags = movementFlags;

  async run(): Promise<void> {
    const words = await this.parse(CreditsTransfer);
    const { grid, to, who, moved } = await moveCredits(words, (credits, to) => credits.transfer(to));
    if (words.flags.json) writeJson({ grid, to: to.account, amount: to.amount, ...moved });
    else {
      process.stderr.write(
        `${formatCredits(to.amount)} credits went to ${who}; ${formatCredits(moved.available)} are left.\n`,
      );
    }
  }
}
