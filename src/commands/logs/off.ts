import { BaseCommand } from '../../cli/base-command.ts';
import { switchLog } from '../../cli/log-switch.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class LogsOff extends BaseCommand {
  static override summary = 'Keep no prompts and answers from now on; what is logged stays.';
  static override examples = ['<%= config.bin %> logs off'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LogsOff);
    await switchLog(resolvePaths(), false, flags);
  }
}
