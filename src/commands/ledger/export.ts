import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { gridFlag } from '../../cli/flags.ts';
import { writeExport } from '../../cli/ledger-files.ts';
import { openCredits } from '../../cli/open-credits.ts';

export default class LedgerExport extends BaseCommand {
  static override summary =
    'Write out the whole ledger of a grid, for `aipg ledger verify` or a spreadsheet.';
  static override description =
    'One JSON object a line, in the form that docs/ledger.md tells, or rows of CSV. For an operator.';
  static override examples = [
    '<%= config.bin %> ledger export -o ledger.jsonl',
    '<%= config.bin %> ledger export --csv > ledger.csv',
  ];
  static override flags = {
    grid: gridFlag,
    csv: Flags.boolean({ description: 'Rows of CSV, one for each posting.' }),
    output: Flags.string({
      char: 'o',
      description: 'A file to write, instead of stdout.',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LedgerExport);
    await using credits = await openCredits(flags.grid);
    await writeExport(credits.all(), { csv: flags.csv, output: flags.output });
  }
}
