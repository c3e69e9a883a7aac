import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/confirm.ts';
import { ageFlag, numberFlag } from '../../cli/flags.ts';
import { formatBytes } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class LogsPrune extends BaseCommand {
  static override summary = 'Forget logged jobs and give their space back.';
  static override description =
    'Asks first on a terminal, unless --yes. Conversations without a job left go too.';
  static override examples = [
    '<%= config.bin %> logs prune --older-than 30d',
    '<%= config.bin %> logs prune --keep 1000 --yes',
    '<%= config.bin %> logs prune --all',
  ];
  static override flags = {
    'older-than': ageFlag('older-than')({
      description: 'Those made longer ago than this, such as 30d, 12h or 4w.',
      helpValue: 'AGE',
      exclusive: ['keep', 'all'],
    }),
    keep: numberFlag('keep', { min: 0, integer: true })({
      description: 'All but the newest N.',
      helpValue: 'N',
      exclusive: ['all'],
    }),
    all: Flags.boolean({ description: 'All of them.' }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LogsPrune);
    const what = whatToPrune(flags);
    const { openExistingHistory } = await import('../../runtime/history/history.ts');
    using history = await openExistingHistory(resolvePaths());
    const jobs = history?.countPruned(what) ?? 0;
    const many = `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`;
    if (jobs > 0 && !flags.yes && !(await confirm(`Forget ${many}?`))) return;
    const freed = jobs > 0 ? (history?.prune(what) ?? 0) : 0;
    if (flags.json) process.stdout.write(`${JSON.stringify({ pruned: jobs, freedBytes: freed })}\n`);
    else
      process.stderr.write(
        jobs === 0 ? 'There is nothing to forget.\n' : `Forgot ${many} (${formatBytes(freed)} freed).\n`,
      );
  }
}

function whatToPrune(flags: { 'older-than'?: number | undefined; keep?: number | undefined; all: boolean }) {
  if (flags.all) return 'all';
  if (flags.keep !== undefined) return { keep: flags.keep };
  if (flags['older-than'] !== undefined) return { before: Date.now() - flags['older-than'] };
  throw new AipgError('usage', 'Say what to forget.', {
    hint: 'One of --older-than 30d, --keep 1000 and --all.',
  });
}
