import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { entryLine, writeJson } from '../../cli/credits-view.ts';
import { gridFlag, numberFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';

export default class LedgerLog extends BaseCommand {
  static override summary = "List the newest entries of a grid's ledger that your account has a part in.";
  static override examples = [
    '<%= config.bin %> ledger log',
    '<%= config.bin %> ledger log --json | jq \'select(.kind == "settle") | .receiptSha256\'',
    '<%= config.bin %> ledger log --all',
  ];

  static override flags = {
    grid: gridFlag,
    limit: numberFlag('limit', { min: 1, max: 200, integer: true })({
      char: 'n',
      description: 'Most entries to list.',
      default: 20,
      helpValue: 'N',
    }),
    before: numberFlag('before', { min: 1, integer: true })({
      description: 'Only entries with smaller numbers.',
      helpValue: 'N',
      exclusive: ['all'],
    }),
    all: Flags.boolean({
      description: 'All entries of all accounts from the first on, for an operator.',
      exclusive: ['limit'],
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LedgerLog);
    await using credits = await openCredits(flags.grid);
    if (flags.all) {
      for await (const entries of credits.all()) {
        for (const entry of entries) {
          if (flags.json) writeJson(entry);
          else process.stdout.write(`${entryLine(entry)}\n`);
        }
      }
      return;
    }
    const [{ account }, entries] = await Promise.all([
      credits.balance(),
      credits.entries(flags.limit, flags.before),
    ]);
    if (entries.length === 0) process.stderr.write('No entries.\n');
    for (const entry of entries) {
      if (flags.json) writeJson(entry);
      else process.stdout.write(`${entryLine(entry, account)}\n`);
    }
  }
}
