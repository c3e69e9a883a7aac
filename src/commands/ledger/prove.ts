import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { gridFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class LedgerProve extends BaseCommand {
  static override summary =
    "Prove an entry of your account against the root of its day, such as a worker's pay.";
  static override description =
    'Prints a proof for `aipg ledger verify FILE --root ROOT`: who trusts the root of that day needs nothing else.';
  static override examples = [
    '<%= config.bin %> ledger prove q62wwpxjrs6hcgfvdh0dvcj01c > proof.json',
    '<%= config.bin %> ledger prove 42',
  ];
  static override args = {
    receipt: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'The sha256 of a receipt, the id of its job, or the number of an entry.',
    }),
  };
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LedgerProve);
    const text = args.receipt.toLowerCase();
    if (!/^(?:\d{1,15}|[0-9a-z]{26}|[0-9a-f]{64})$/.test(text)) {
      throw new AipgError(
        'usage',
        `${JSON.stringify(args.receipt)} is no receipt, job or number of an entry.`,
        {
          hint: 'See which there are with: aipg ledger log --json',
        },
      );
    }
    await using credits = await openCredits(flags.grid);
    const { day, proof } = await credits.prove(text.length < 16 ? Number(text) : text);
    if (proof === null) {
      throw new AipgError(
        'job-not-found',
        `${day} has no root yet: it is written when that day is over, in UTC.`,
        {
          hint: 'Ask again after midnight UTC.',
        },
      );
    }
    process.stdout.write(`${JSON.stringify(proof, undefined, flags.json ? 0 : 2)}\n`);
  }
}
