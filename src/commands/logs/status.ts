import { statSync } from 'node:fs';
import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatBytes } from '../../cli/terminal.ts';
import { readLogSwitch } from '../../runtime/config/log-switch.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class LogsStatus extends BaseCommand {
  static override summary = 'Tell whether jobs are logged, where, and how much there is.';
  static override examples = ['<%= config.bin %> logs status', '<%= config.bin %> logs status --json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LogsStatus);
    const paths = resolvePaths();
    const { on, by } = readLogSwitch(paths, process.env);
    const { historyFile, openExistingHistory } = await import('../../runtime/history/history.ts');
    const file = historyFile(paths);
    using history = await openExistingHistory(paths);
    const { jobs, oldest } = history?.summary() ?? { jobs: 0, oldest: null };
    const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const since = oldest === null ? null : new Date(oldest).toISOString();
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ on, by, file, jobs, bytes, oldest: since })}\n`);
      return;
    }
    const why = { default: 'the default', settings: 'by the settings', AIPG_NO_LOG: 'by AIPG_NO_LOG' }[by];
    process.stdout.write(
      `The log is ${on ? 'on' : 'off'} (${why}).\n${file}: ${jobs} ${jobs === 1 ? 'job' : 'jobs'}, ${formatBytes(bytes)}${since === null ? '' : `, since ${since.slice(0, 10)}`}.\n`,
    );
  }
}
