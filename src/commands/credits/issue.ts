import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { memoFlag, movementArgs, parseAccount, parseAmount } from '../../cli/credits-args.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { gridFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';
import { formatCredits } from '../../runtime/protocol/credits.ts';

export default class CreditsIssue extends BaseCommand {
  static override summary = 'Make credits for an account, as the operator of a grid.';
  static override examples = ['<%= config.bin %> credits issue alice 100 --memo "a gift"'];
  static override args = movementArgs;
  static override flags = { grid: gridFlag, memo: memoFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CreditsIssue);
    const [account, amount] = [parseAccount(args.account), parseAmount(args.amount)];
    await using credits = await openCredits(flags.grid);
    const moved = await credits.issue({ account, amount, memo: flags.memo });
    if (flags.json) writeJson({ grid: credits.name, amount, ...moved });
    else {
      process.stderr.write(
        `${formatCredits(amount)} credits were issued to ${account}, which has ${formatCredits(moved.available)} now.\n`,
      );
    }
  }
}
