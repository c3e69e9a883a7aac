import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { ensureModel } from '../cli/ensure-model.ts';
import { gridFlag } from '../cli/flags.ts';
import { logFlags, openLog } from '../cli/log.ts';
import { progressReporter } from '../cli/open-with-progress.ts';
import { DRAIN_TIMEOUT_MS, servingFlags, untilStoppedOrShutOut } from '../cli/serving.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';

export default class WorkerCommand extends BaseCommand {
  static override summary = 'Let this machine serve a model on a grid.';
  static override description =
    `Connects to the grid that runs on this machine, else to the default profile, and pulls a job whenever a slot is free.
SIGTERM or Ctrl-C drains: no new job is taken and running ones end; a second Ctrl-C gives them back to the queue.`;
  static override examples = [
    '<%= config.bin %> worker',
    '<%= config.bin %> worker -m ~/models/llama-3.2-1b-q4_k_m.gguf --slots 8',
    '<%= config.bin %> worker -m hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M --grid nats://grid.example:4222',
  ];

  static override flags = {
    ...servingFlags,
    grid: gridFlag,
    name: Flags.string({
      description: "How this worker is called. Default: the machine's name.",
      helpValue: 'NAME',
    }),
    ...logFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(WorkerCommand);
    const paths = resolvePaths();
    const bus = selectBus({ paths, asked: flags.grid });
    const log = await openLog(flags);
    using stop = stopSignal();
    await ensureModel(flags.model, { ...flags, paths, signal: stop.signal });

    const [{ connectBus, redactUrl }, { serveModel }] = await Promise.all([
      import('../runtime/bus/connect.ts'),
      import('../runtime/host/serve-model.ts'),
    ]);
    const connection = await connectBus({ ...bus, name: 'aipg worker' });
    try {
      using progress = progressReporter();
      await using served = await serveModel({
        ...flags,
        connection,
        paths,
        env: process.env,
        version: this.config.version,
        log,
        replicas: bus.replicas,
        signal: stop.signal,
        onProgress: progress.report,
      });
      progress[Symbol.dispose]();
      const { worker, model, threads } = served;
      log.info(
        { worker: worker.id, model, slots: flags.slots, threads, grid: bus.name, url: redactUrl(bus.url) },
        'serving',
      );
      await Promise.race([
        untilStoppedOrShutOut(stop, connection, () => void served.drain({ timeoutMs: 0 })),
        worker.toldToDrain,
      ]);
      await served.drain({ timeoutMs: flags['drain-timeout'] ?? DRAIN_TIMEOUT_MS });
      log.info({ worker: worker.id, ...worker.counts }, 'stopped');
    } finally {
      await connection.close();
    }
  }
}
