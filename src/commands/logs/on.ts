import { BaseCommand } from '../../cli/base-command.ts';
import { switchLog } from '../../cli/log-switch.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class LogsOn extends BaseCommand {
  static override summary = 'Keep prompts and answers in the log from now on, which is the default.';
  static override examples = ['<%= config.bin %> logs on'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LogsOn);
    await switchLog(resolvePaths(), true, flags);
  }
}
