import process from 'node:process';
import { BaseCommand } from '../cli/base-command.ts';
import { creditsFlag } from '../cli/credits-flags.ts';
import { gridFlag, numberFlag } from '../cli/flags.ts';
import { logFlags, openLog } from '../cli/log.ts';
import { openPolicy, policyFlag } from '../cli/policy-flag.ts';
import { untilStoppedOrShutOut } from '../cli/serving.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';

export default class DirectorCommand extends BaseCommand {
  static override summary = 'Admit jobs to a grid.';
  static override description =
    `A director parses and validates what clients submit, queues it, and looks after it until it has ended.
It keeps no state of its own: run as many as you like.`;
  static override examples = [
    '<%= config.bin %> director',
    '<%= config.bin %> director --grid nats://127.0.0.1:4222',
    '<%= config.bin %> director --policy policy.yaml',
  ];

  static override flags = {
    grid: gridFlag,
    'max-per-account': numberFlag('max-per-account', { min: 1, max: 10_000_000, integer: true })({
      description: 'Most unfinished jobs of one account; more are refused.',
      default: 10_000,
      helpValue: 'N',
    }),
    'max-per-model': numberFlag('max-per-model', { min: 1, max: 10_000_000, integer: true })({
      description: 'Most unfinished jobs of one model; more are refused.',
      default: 100_000,
      helpValue: 'N',
    }),
    policy: policyFlag,
    credits: creditsFlag,
    ...logFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(DirectorCommand);
    const paths = resolvePaths();
    const bus = selectBus({ paths, asked: flags.grid });
    const log = await openLog(flags);
    using stop = stopSignal();
    using rules = await openPolicy(flags.policy, log);

    const [{ connectBus, redactUrl }, { Director }, { ModelShelf }] = await Promise.all([
      import('../runtime/bus/connect.ts'),
      import('../runtime/director/director.ts'),
      import('../runtime/host/model-shelf.ts'),
    ]);
    const connection = await connectBus({ ...bus, name: 'aipg director' });
    try {
      await using shelf = new ModelShelf({ env: process.env, cacheDir: paths.cache, log });
      await using director = await Director.start({
        connection,
        version: this.config.version,
        log,
        replicas: bus.replicas,
        policy: rules.policy,
        credits: flags.credits,
        measure: shelf.measure,
        countTokens: shelf.countTokens,
        bounds: { perAccount: flags['max-per-account'], perModel: flags['max-per-model'] },
      });
      log.info({ grid: bus.name, url: redactUrl(bus.url) }, 'admitting jobs');
      await untilStoppedOrShutOut(stop, connection, () => undefined);
      log.info({ ...director.counts, ...director.reaped, ...director.settled }, 'stopped');
    } finally {
      await connection.close();
    }
  }
}
