import process from 'node:process';
import { BaseCommand } from '../cli/base-command.ts';
import { numberFlag } from '../cli/flags.ts';
import { logFlags, openLog } from '../cli/log.ts';
import { PartsView } from '../cli/parts-view.ts';
import { untilStopped } from '../cli/serving.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { paint } from '../cli/terminal.ts';
import { demoPaths, resolvePaths } from '../runtime/config/paths.ts';
import { readRunningGrid } from '../runtime/config/running-grid.ts';

export default class DemoCommand extends BaseCommand {
  static override summary = 'Run a small, busy grid on this machine, to watch with aipg top.';
  static override description =
    `A bus, a director and workers of different speed with the bundled model, and people who ask them: a real grid, but for its slowness. It keeps nothing, and leaves a grid of \`aipg up\` alone.
Commands find it as --grid demo. Ctrl-C stops it.`;
  static override examples = [
    '<%= config.bin %> demo',
    '<%= config.bin %> demo --workers 8 --jobs-per-second 6',
    '<%= config.bin %> top --grid demo',
  ];

  static override flags = {
    workers: numberFlag('workers', { min: 1, max: 10, integer: true })({
      description: 'How many workers, 1 to 10.',
      default: 5,
      helpValue: 'N',
    }),
    speed: numberFlag('speed', { min: 1, max: 10_000 })({
      description:
        'Tokens a second of each slot of the fastest worker. Each next one is held back to 70 % of the one before.',
      default: 30,
      helpValue: 'N',
    }),
    'jobs-per-second': numberFlag('jobs-per-second', { above: true, min: 0, max: 100 })({
      description: 'Jobs that come in a second, in the mean: more at times, fewer at others.',
      default: 3,
      helpValue: 'N',
    }),
    ...logFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(DemoCommand);
    const { json, workers, speed, 'jobs-per-second': jobsPerSecond } = flags;
    const paths = resolvePaths();
    const running = readRunningGrid(demoPaths(paths));
    const { bold, dim } = paint(process.stderr);
    const open = `In another terminal: ${bold('aipg top --grid demo')}\n`;
    if (running) {
      const { pid, url } = running;
      if (json) process.stdout.write(`${JSON.stringify({ pid, url, alreadyUp: true })}\n`);
      else process.stderr.write(`The demo is up already, process ${pid}. ${open}`);
      return;
    }
    const log = await openLog(
      this.argv.some((word) => word.startsWith('--log-level')) ? flags : { ...flags, 'log-level': 'warn' },
    );
    using stop = stopSignal();
    await using view = new PartsView(process.stderr, log);
    const { startDemo } = await import('../runtime/demo/demo-grid.ts');
    await view.open();
    await using demo = await startDemo({
      ...{ paths, workers, speed, jobsPerSecond, log, signal: stop.signal },
      env: process.env,
      version: this.config.version,
      onProgress: (progress) => view.show(progress),
    }).catch((error: unknown) => {
      // Parts that are stopped in the middle fail in words of their own.
      stop.signal.throwIfAborted();
      throw error;
    });
    await view.settle();
    if (json) {
      const told = { pid: process.pid, url: demo.url, workers: demo.workers, alreadyUp: false };
      process.stdout.write(`${JSON.stringify(told)}\n`);
    } else {
      process.stderr.write(`\n${open}${dim('Ctrl-C stops it.')}\n`);
    }
    await untilStopped(stop, () => process.exit(stop.signal.reason?.status ?? 1));
  }
}
