import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { numberFlag } from '../../cli/flags.ts';
import { printJobs } from '../../cli/logs-view.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class Logs extends BaseCommand {
  static override summary = 'List what was asked and answered on this machine, the newest first.';
  static override description =
    'With --json, a line of JSON for each job: all that `aipg gen --replay` needs, and what came of it.';
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs -n 3 --json',
    '<%= config.bin %> logs --conversation travel',
  ];
  static override flags = {
    limit: numberFlag('limit', { min: 1, max: 1_000_000, integer: true })({
      char: 'n',
      description: 'Most jobs to list.',
      default: 20,
      helpValue: 'N',
    }),
    conversation: Flags.string({
      description: 'Only jobs of this conversation: its name, or its id as --json tells it.',
      helpValue: 'NAME|ID',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Logs);
    const { openExistingHistory } = await import('../../runtime/history/history.ts');
    using history = await openExistingHistory(resolvePaths());
    printJobs(history?.each(flags) ?? [], flags);
  }
}
