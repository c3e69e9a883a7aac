import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { movementArgs, movementFlags } from '../../cli/credits-args.ts';
import { moveCredits } from '../../cli/credits-movement.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { formatCredits } from '../../runtime/protocol/credits.ts';

export default class CreditsIssue extends BaseCommand {
  static override summary = 'Make credits for an account, as the operator of a grid.';
  static override examples = [
    '<%= config.bin %> credits issue alice 100 --memo "a gift"',
    '<%= config.bin %> credits issue a4w0t6n2v8m1x3c5z7b9 100 --new',
  ];
  static override args = movementArgs;
  static override flags = movementFlags;

  async run(): Promise<void> {
    const words = await this.parse(CreditsIssue);
    const { grid, to, who, moved } = await moveCredits(words, (credits, to) => credits.issue(to));
    if (words.flags.json) writeJson({ grid, amount: to.amount, ...moved });
    else {
      process.stderr.write(
        `${formatCredits(to.amount)} credits were issued to ${who}, which has ${formatCredits(moved.available)} now.\n`,
      );
    }
  }
}
