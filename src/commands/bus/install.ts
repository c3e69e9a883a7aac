import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { formatBytes, StatusLine } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class BusInstall extends BaseCommand {
  static override summary = 'Find or fetch the nats-server that `aipg up` runs.';
  static override description =
    `Takes the first that is new enough: AIPG_NATS_SERVER, PATH, the cache; else fetches it once, as the official release checked against its known sha256, or as the signed package of this machine's Debian or Ubuntu mirror.`;
  static override examples = ['<%= config.bin %> bus install', '<%= config.bin %> bus install --json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(BusInstall);
    using stop = stopSignal();
    using line = new StatusLine();
    const { ensureBusServer } = await import('../../runtime/bus/server/ensure.ts');
    const server = await ensureBusServer({
      cacheDir: resolvePaths().cache,
      env: process.env,
      signal: stop.signal,
      onProgress: ({ source, step, bytes, total, detail }) => {
        const size =
          bytes === undefined ? '' : ` ${formatBytes(bytes)}${total ? ` of ${formatBytes(total)}` : ''}`;
        const text = `${source}: ${step}${size}${detail === undefined ? '' : ` (${detail})`}`;
        if (process.stderr.isTTY && step !== 'failed') line.show(text);
        else if (step !== 'download') {
          line.clear();
          process.stderr.write(`${text}\n`);
        }
      },
    });
    line.clear();
    if (flags.json) process.stdout.write(`${JSON.stringify(server)}\n`);
    else process.stdout.write(`nats-server ${server.version} (${server.source}) ${server.path}\n`);
  }
}
