import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { numberFlag } from '../../cli/flags.ts';
import { printJobs } from '../../cli/logs-view.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class LogsSearch extends BaseCommand {
  static override summary = 'Find jobs by words of their prompts, instructions and answers.';
  static override description =
    'All words must occur, in any order and case; a part of a word is enough. The newest first.';
  static override examples = [
    '<%= config.bin %> logs search capital france',
    '<%= config.bin %> logs search "error code" --json',
  ];
  static override args = {
    words: Args.string({ multiple: true, required: true, ignoreStdin: true, description: 'What to find.' }),
  };
  static override flags = {
    limit: numberFlag('limit', { min: 1, max: 1_000_000, integer: true })({
      char: 'n',
      description: 'Most jobs to list.',
      default: 20,
      helpValue: 'N',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LogsSearch);
    const { openExistingHistory } = await import('../../runtime/history/history.ts');
    using history = await openExistingHistory(resolvePaths());
    const words = args.words.filter((word) => word.trim() !== '');
    printJobs(history?.search(words, flags.limit) ?? [], flags);
  }
}
