import process from 'node:process';
import { BaseCommand } from '../cli/base-command.ts';
import { creditsFlag } from '../cli/credits-flags.ts';
import { ensureModel } from '../cli/ensure-model.ts';
import { numberFlag } from '../cli/flags.ts';
import { logFlags, openLog } from '../cli/log.ts';
import { openFlags, openTo } from '../cli/open-to.ts';
import { PartsView } from '../cli/parts-view.ts';
import { DRAIN_TIMEOUT_MS, servingFlags, untilStopped } from '../cli/serving.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { formatDuration, paint } from '../cli/terminal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { readRunningGrid } from '../runtime/config/running-grid.ts';

export default class Up extends BaseCommand {
  static override summary = 'Run a whole grid on this machine: bus, director and worker.';
  static override description =
    `Other commands find it by themselves. Its bus listens on this machine only, unless --listen opens it to members with keys.
Ctrl-C stops it: running jobs end first; a second Ctrl-C gives them back to the queue.`;
  static override examples = [
    '<%= config.bin %> up',
    '<%= config.bin %> up -m ~/models/llama-3.2-1b-q4_k_m.gguf --slots 8',
    '<%= config.bin %> up --port 4222',
    '<%= config.bin %> up --listen 192.168.1.10 --tls',
    '<%= config.bin %> up --listen 192.168.1.10 --tls --no-credits',
  ];

  static override flags = {
    ...servingFlags,
    port: numberFlag('port', { min: 1, max: 65_535, integer: true })({
      description: 'Port of the bus. Default: a free one.',
      helpValue: 'N',
    }),
    ...openFlags,
    credits: creditsFlag,
    ...logFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Up);
    const paths = resolvePaths();
    const running = readRunningGrid(paths);
    if (running) {
      const since = formatDuration(Date.now() - running.startedAt);
      if (flags.json) process.stdout.write(`${JSON.stringify({ ...running, alreadyUp: true })}\n`);
      else {
        process.stderr.write(
          `A grid is up on this machine already: ${running.model} at ${running.url}, process ${running.pid}, for ${since}.\n` +
            'Use it with `aipg gen "…"`, add a model with `aipg worker -m MODEL`, stop it with Ctrl-C where it runs.\n',
        );
      }
      return;
    }

    const { listen } = flags;
    const open = listen === undefined ? undefined : await openTo(paths, { ...flags, listen });

    // The view tells what happens to the parts; the log then only what goes wrong, unless asked for more.
    const log = await openLog(
      (process.stderr.isTTY || flags.json) && !this.argv.some((word) => word.startsWith('--log-level'))
        ? { ...flags, 'log-level': 'warn' }
        : flags,
    );
    using stop = stopSignal();
    await ensureModel(flags.model, { ...flags, paths, signal: stop.signal });
    const startedAt = performance.now();
    await using view = new PartsView(process.stderr, log);
    const { startHost } = await import('../runtime/host/host.ts');
    const opened = view.open();
    const host = await startHost({
      ...flags,
      paths,
      open,
      // Strangers pay for what they ask; on a machine of one's own there is nobody to pay.
      credits: flags.credits ?? (open === undefined ? undefined : true),
      env: process.env,
      version: this.config.version,
      log,
      signal: stop.signal,
      onProgress: (progress) => view.show(progress),
    }).catch((error: unknown) => {
      // Parts that are stopped in the middle fail in words of their own.
      stop.signal.throwIfAborted();
      throw error;
    });
    await opened;
    await view.settle();
    if (flags.json) {
      process.stdout.write(
        `${JSON.stringify({ pid: process.pid, url: host.url, model: host.model, alreadyUp: false })}\n`,
      );
    } else {
      const { bold, dim } = paint(process.stderr);
      const took = formatDuration(performance.now() - startedAt);
      process.stderr.write(
        `\nUp in ${took}. In another terminal: ${bold('aipg gen "Tell me a story about a fox."')}\n`,
      );
      process.stderr.write(`${dim('Ctrl-C stops it.')}\n`);
    }
    await untilStopped(stop, () => void host.stop({ timeoutMs: 0 }));
    await host.stop({ timeoutMs: flags['drain-timeout'] ?? DRAIN_TIMEOUT_MS });
  }
}
