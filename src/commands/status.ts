import process from 'node:process';
import { BaseCommand } from '../cli/base-command.ts';
import { gridFlag } from '../cli/flags.ts';
import { formatDuration, paint } from '../cli/terminal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectGrid } from '../runtime/config/select-grid.ts';
import type { Snapshot } from '../runtime/monitor/snapshot.ts';

export default class Status extends BaseCommand {
  static override summary = 'Tell what is up: the bus, directors, workers and models of a grid.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --grid home --json'];
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const choice = selectGrid({ paths: resolvePaths(), asked: flags.grid });
    if (choice.where === 'local') {
      if (flags.json) process.stdout.write(`${JSON.stringify({ grid: null })}\n`);
      else process.stdout.write('No grid is up or set up; `aipg gen` answers in its own process.\n');
      return;
    }
    const [{ connectBus, redactUrl }, { takeSnapshot }] = await Promise.all([
      import('../runtime/bus/connect.ts'),
      import('../runtime/monitor/snapshot.ts'),
    ]);
    const connection = await connectBus({ ...choice, name: 'aipg status' });
    try {
      const snapshot = await takeSnapshot(connection);
      const url = redactUrl(choice.url);
      if (flags.json) process.stdout.write(`${JSON.stringify({ grid: choice.name, url, ...snapshot })}\n`);
      else process.stdout.write(render(choice.name, url, snapshot, Date.now()));
    } finally {
      await connection.close();
    }
  }
}

function render(name: string, url: string, snapshot: Snapshot, now: number): string {
  const { bold, green, yellow, red, dim } = paint(process.stdout);
  const { bus, directors, workers, models, jobs } = snapshot;
  const mark = (up: boolean) => (up ? green('✔') : red('✘'));
  const lines = [
    `${bold(name)} ${dim(url)}`,
    `${mark(true)} bus       nats-server ${bus.version}, ${bus.roundTripMs} ms away`,
    `${mark(directors.length > 0)} directors ${directors.length}`,
    `${mark(models.length > 0)} models    ${models.map((m) => `${m.name} (${m.slots} ${m.slots === 1 ? 'slot' : 'slots'})`).join(', ') || 'none served'}`,
    `  jobs      ${jobs} waiting or in work`,
    ...workers.map((worker) => {
      const state = worker.state === 'serving' ? green(worker.state) : yellow(worker.state);
      const { busy, total } = worker.slots;
      const served =
        worker.loading === undefined
          ? worker.models.map((model) => model.name).join(', ')
          : `${worker.loading.model} (${Math.floor(100 * worker.loading.fraction)} %)`;
      const reason = worker.reason === undefined ? '' : `  ${worker.reason}`;
      const since = formatDuration(now - worker.startedAt);
      return `  worker    ${worker.worker}  ${state}  ${served}  ${busy} of ${total} slots busy  ${worker.jobs.done} ${worker.jobs.done === 1 ? 'job' : 'jobs'}  ${dim(since)}${reason}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}
