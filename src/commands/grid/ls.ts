import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { paint } from '../../cli/terminal.ts';
import { redactUrl } from '../../runtime/bus/connect.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { readRunningGrid } from '../../runtime/config/running-grid.ts';
import { readSettings } from '../../runtime/config/settings.ts';

export default class GridLs extends BaseCommand {
  static override summary = 'List the grids that this machine knows.';
  static override examples = ['<%= config.bin %> grid ls', '<%= config.bin %> grid ls --json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(GridLs);
    const paths = resolvePaths();
    const { grid, grids } = readSettings(paths);
    const running = readRunningGrid(paths);
    const rows = Object.entries(grids).map(([name, profile]) => ({
      name,
      url: redactUrl(profile.url),
      account: profile.account as string,
      accountName: profile.accountName as string | undefined,
      default: name === grid,
    }));
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ grids: rows, running: running ?? null })}\n`);
      return;
    }
    if (rows.length === 0 && !running) {
      process.stderr.write(
        'No grid is known. Add one with `aipg grid add NAME nats://host:4222`, or start one with `aipg up`.\n',
      );
      return;
    }
    const { green, dim } = paint(process.stdout);
    const width = Math.max(...rows.map(({ name }) => name.length), 'this machine'.length);
    if (running)
      process.stdout.write(
        `${green('▲')} ${'this machine'.padEnd(width)}  ${running.url}  ${dim(running.model)}\n`,
      );
    for (const row of rows) {
      process.stdout.write(
        `${row.default ? '*' : ' '} ${row.name.padEnd(width)}  ${row.url}  ${dim(row.accountName ?? row.account)}\n`,
      );
    }
  }
}
