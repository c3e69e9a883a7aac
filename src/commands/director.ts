import { BaseCommand } from '../cli/base-command.ts';
import { gridFlag } from '../cli/flags.ts';
import { logFlags, openLog } from '../cli/log.ts';
import { untilStopped } from '../cli/serving.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';

export default class DirectorCommand extends BaseCommand {
  static override summary = 'Admit jobs to a grid.';
  static override description =
    'A director parses and validates what clients submit, and queues it. It keeps no state: run as many as you like.';
  static override examples = [
    '<%= config.bin %> director',
    '<%= config.bin %> director --grid nats://127.0.0.1:4222',
  ];

  static override flags = { grid: gridFlag, ...logFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(DirectorCommand);
    const bus = selectBus({ paths: resolvePaths(), asked: flags.grid });
    const log = await openLog(flags);
    using stop = stopSignal();

    const [{ connectBus, redactUrl }, { Director }] = await Promise.all([
      import('../runtime/bus/connect.ts'),
      import('../runtime/director/director.ts'),
    ]);
    const connection = await connectBus({ url: bus.url, name: 'aipg director' });
    try {
      await using director = await Director.start({ connection, version: this.config.version, log });
      log.info({ grid: bus.name, url: redactUrl(bus.url) }, 'admitting jobs');
      await untilStopped(stop, () => undefined);
      log.info({ ...director.counts }, 'stopped');
    } finally {
      await connection.close();
    }
  }
}
