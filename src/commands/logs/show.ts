import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { AnswerWriter } from '../../cli/job-output.ts';
import { loggedJobJson } from '../../cli/logged-job-json.ts';
import { printJob } from '../../cli/logs-view.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class LogsShow extends BaseCommand {
  static override summary = 'Show one job of the log: what was asked, the answer, and how it was made.';
  static override examples = [
    '<%= config.bin %> logs show',
    '<%= config.bin %> logs show q62wwpxj --output > answer.txt',
    '<%= config.bin %> logs show --json > answer.json && <%= config.bin %> gen --replay ./answer.json',
  ];
  static override args = {
    id: Args.string({ ignoreStdin: true, description: 'A job id or its start. Default: the last job.' }),
  };
  static override flags = {
    output: Flags.boolean({ description: 'Print only the answer.', exclusive: ['json'] }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LogsShow);
    const { openExistingHistory } = await import('../../runtime/history/history.ts');
    using history = await openExistingHistory(resolvePaths());
    const job = args.id === undefined ? history?.newest({ limit: 1 })[0] : history?.find(args.id);
    if (job === undefined) {
      throw new AipgError('usage', 'Nothing is logged yet.', { hint: 'Ask something: aipg gen "…"' });
    }
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(loggedJobJson(job))}\n`);
    } else if (flags.output) {
      const writer = new AnswerWriter();
      writer.write(job.text);
      writer.end();
    } else {
      printJob(job);
    }
  }
}
