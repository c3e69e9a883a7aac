import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { memoFlag, movementArgs, parseAccount, parseAmount } from '../../cli/credits-args.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { gridFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';
import { formatCredits } from '../../runtime/protocol/credits.ts';

export default class CreditsTransfer extends BaseCommand {
  static override summary = 'Give credits of your account to another.';
  static override examples = ['<%= config.bin %> credits transfer bob 2.5 --memo "for Tuesday"'];
  static override args = movementArgs;
  static override flags = { grid: gridFlag, memo: memoFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CreditsTransfer);
    const [account, amount] = [parseAccount(args.account), parseAmount(args.amount)];
    await using credits = await openCredits(flags.grid);
    const moved = await credits.transfer({ account, amount, memo: flags.memo });
    if (flags.json) writeJson({ grid: credits.name, to: account, amount, ...moved });
    else {
      process.stderr.write(
        `${formatCredits(amount)} credits went to ${account}; ${formatCredits(moved.available)} are left.\n`,
      );
    }
  }
}
