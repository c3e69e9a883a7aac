import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { terminalSvg } from './terminal-svg.ts';

/**
 * A picture of `aipg top` as it is on a terminal, on a grid of `aipg demo`: `node build/record-top.ts docs/top.svg`.
 * Needs tmux and the built binary.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    view: { type: 'string', default: 'overview' },
    columns: { type: 'string', default: '130' },
    rows: { type: 'string', default: '36' },
    /** How long it is watched first, in seconds: what the graphs show. */
    seconds: { type: 'string', default: '120' },
  },
});
const [file = 'docs/top.svg'] = positionals;
const picture = {
  title: `aipg top, ${values.view}`,
  columns: Number(values.columns),
  rows: Number(values.rows),
};
const program = [process.execPath, resolve(import.meta.dirname, '../bin/run.js')];

const home = await mkdtemp(join(tmpdir(), 'aipg-record-'));
const env = {
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_STATE_HOME: join(home, 'state'),
  TERM: 'xterm-256color',
  LANG: 'C.UTF-8',
};
const tmux = async (...args: string[]) =>
  (await execa('tmux', ['-S', join(home, 'tmux'), '-f', '/dev/null', ...args], { env })).stdout;
const demo = execa(program[0] as string, [...program.slice(1), 'demo', '--json'], { env, buffer: false });
try {
  await new Promise<void>((up, failed) => {
    demo.stdout.once('data', () => up());
    demo.catch(failed);
  });
  const watch = [...program, 'top', '--grid', 'demo', '--view', values.view]
    .map((word) => `'${word}'`)
    .join(' ');
  await tmux('new-session', '-d', '-x', values.columns, '-y', values.rows, watch);
  await delay(1_000 * Number(values.seconds));
  await writeFile(file, terminalSvg(await tmux('capture-pane', '-p', '-e'), picture));
} finally {
  await tmux('kill-server').catch(() => undefined);
  demo.kill('SIGINT');
  await demo.catch(() => undefined);
  await rm(home, { recursive: true, force: true });
}
